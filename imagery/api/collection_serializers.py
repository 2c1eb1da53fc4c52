"""Answers about live collections. Times are UTC; null is unknown, never 0."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from imagery.models import Collection
from imagery.sources.live import Option


class OptionSerializer(serializers.Serializer):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField(help_text="text, choice, list or flag")
    default = serializers.JSONField()
    choices = serializers.SerializerMethodField(help_text="Values that may be chosen.")
    help = serializers.CharField()

    def get_choices(self, option: Option) -> list[str]:
        return [value for value, _ in option.choices]


class SourceSerializer(serializers.Serializer):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    about = serializers.CharField(default="")
    wants_token = serializers.BooleanField(help_text="Whether a token is of use.")
    readable_again = serializers.BooleanField(
        source="readable_at_once", help_text="Whether posts can be read again."
    )
    options = OptionSerializer(many=True)


class CollectionRuleSerializer(serializers.Serializer):
    kind = serializers.CharField()
    value = serializers.CharField()


class CollectionSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    state = serializers.CharField(help_text="on, paused or stopped")
    options = serializers.DictField()
    has_token = serializers.SerializerMethodField(help_text="Whether one is stored.")
    rules = CollectionRuleSerializer(many=True)
    starts_at = serializers.DateTimeField(allow_null=True)
    stops_at = serializers.DateTimeField(allow_null=True)
    revisit_days = serializers.ListField(child=serializers.IntegerField())
    created_at = serializers.DateTimeField()
    seen = serializers.IntegerField(source="n_seen")
    kept = serializers.IntegerField(source="n_kept", help_text="Selected by the rules.")
    new = serializers.IntegerField(source="n_new", help_text="Posts the event did not have.")
    bad = serializers.IntegerField(source="n_bad", help_text="Not readable.")
    seen_at = serializers.DateTimeField(
        allow_null=True, help_text="The source's time of the latest thing it sent."
    )
    heard_at = serializers.DateTimeField(allow_null=True, help_text="When it last sent anything.")
    connected_at = serializers.DateTimeField(allow_null=True, help_text="Null: not connected.")
    error = serializers.CharField(help_text="The last one.")
    error_at = serializers.DateTimeField(allow_null=True)
    tries = serializers.IntegerField(source="n_tries", help_text="That failed in a row.")
    retry_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried next.")

    def get_has_token(self, row: Collection) -> bool:
        return bool(row.token)


class MinuteSerializer(serializers.Serializer):
    at = serializers.DateTimeField(help_text="Its beginning.")
    seen = serializers.IntegerField(source="n_seen")
    kept = serializers.IntegerField(source="n_kept")
    new = serializers.IntegerField(source="n_new")
    bad = serializers.IntegerField(source="n_bad")
    lag_s = serializers.FloatField(help_text="The longest from the source's time to our rows.")


class GapSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    begins_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="Null: it goes on.")
    state = serializers.CharField(help_text="open, filled, partly or lost")
    reason = serializers.CharField(help_text="Why nothing was heard.")
    outcome = serializers.CharField(help_text="What refilling came to.")
    new = serializers.IntegerField(source="n_new", help_text="Posts that refilling brought.")
    tries = serializers.IntegerField(source="n_tries")
    tried_at = serializers.DateTimeField(allow_null=True)


class ReadingSerializer(serializers.Serializer):
    day = serializers.IntegerField(help_text="The age it stands for, in days.")
    due_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField()
    late_s = serializers.SerializerMethodField(help_text="Seconds from due to read.")
    state = serializers.CharField(help_text="read, deleted, private or missed")
    likes = serializers.IntegerField(allow_null=True)
    reposts = serializers.IntegerField(allow_null=True)
    comments = serializers.IntegerField(allow_null=True)
    views = serializers.IntegerField(allow_null=True)
    followers = serializers.IntegerField(allow_null=True, help_text="Of its author.")

    def get_late_s(self, row: Any) -> float:
        return row.late.total_seconds()
