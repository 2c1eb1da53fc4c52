"""The form of a live collection, made of what its source asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from imagery import collection_settings
from imagery.collection_settings import Pair
from imagery.models import Collection, Event
from imagery.models.collecting import revisit_days
from imagery.sources.live import BadOption, Live, Option

LOCAL = "%Y-%m-%dT%H:%M"
BEFORE = "option_"  # of the names of fields that the source asks for


def _moment(label: str, help_text: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        required=False,
        input_formats=[LOCAL, f"{LOCAL}:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL),
        error_messages={"invalid": "Enter a day and a time, such as 2017-09-20 14:00."},
    )


def _field(option: Option) -> forms.Field:
    told: dict[str, Any] = {"label": option.label, "help_text": option.help}
    # Whether it may be empty is the source's to say.
    told |= {"required": False, "initial": option.default}
    if option.kind == "flag":
        return forms.BooleanField(**told)
    if option.kind == "choice":
        return forms.ChoiceField(choices=option.choices, **told)
    if option.kind == "list":
        told["initial"] = "\n".join(option.default or ())
        told["widget"] = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    told.setdefault("widget", forms.TextInput(attrs=attrs))
    return forms.CharField(max_length=20_000 if option.kind == "list" else 1000, **told)


class CollectionForm(forms.Form):
    """Times are typed and shown in the event's zone. A stored token is never given out."""

    name = forms.CharField(max_length=120)
    token = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Kept here, and never shown again.",
    )
    forget_token = forms.BooleanField(label="Forget the stored token", required=False)
    rules = forms.CharField(
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="One a line: <code>#storm</code>, <code>@name</code>, a word, "
        "<code>“a phrase”</code>, <code>language: es</code>, "
        "<code>bbox: west,south,east,north</code>, <code>after: 2017-09-20</code>.",
    )
    starts_at = _moment("Begins", "Left empty, it begins when it is started.")
    stops_at = _moment("Ends", "Left empty, it goes on until it is stopped.")
    ages = forms.CharField(
        label="Read again after days",
        required=False,
        max_length=2000,
        help_text="Likes, reposts and followers at these ages, such as 1–7, 14, 30. Empty: never. "
        "A change counts for the posts already here too.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        event: Event,
        source: Live,
        collection: Collection | None = None,
    ) -> None:
        self._event, self._source, self._collection = event, source, collection
        super().__init__(data, initial=self._stored())
        for option in source.options:
            self.fields[BEFORE + option.name] = _field(option)
        if not source.wants_token:
            del self.fields["token"]
        if not (collection and collection.token and source.wants_token):
            del self.fields["forget_token"]
        elif "token" in self.fields:
            self.fields["token"].label = "Another token"
            self.fields["token"].help_text = "One is stored, and stays if this is left empty."
        if not source.readable_at_once:
            del self.fields["ages"]

    def _stored(self) -> dict[str, Any]:
        held, zone = self._collection, ZoneInfo(self._event.timezone)
        if held is None:
            return {"ages": collection_settings.told_ages(revisit_days())}
        told: dict[str, Any] = {
            "name": held.name,
            "rules": collection_settings.told_rules(held.rules.values_list("kind", "value")),
            "ages": collection_settings.told_ages(held.revisit_days),
        }
        for name in ("starts_at", "stops_at"):
            at: datetime | None = getattr(held, name)
            told[name] = at.astimezone(zone).replace(tzinfo=None) if at else None
        for name, value in held.options.items():
            told[BEFORE + name] = "\n".join(value) if isinstance(value, list) else value
        return told

    @property
    def options(self) -> Iterator[forms.BoundField]:
        return (self[name] for name in self.fields if name.startswith(BEFORE))

    def full_clean(self) -> None:
        with timezone.override(ZoneInfo(self._event.timezone)):
            super().full_clean()

    def clean_rules(self) -> list[Pair]:
        return collection_settings.read_rules(self.cleaned_data["rules"])

    def clean_ages(self) -> list[int]:
        return collection_settings.read_ages(self.cleaned_data["ages"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        begins, ends = data.get("starts_at"), data.get("stops_at")
        if begins and ends and ends <= begins:
            self.add_error("stops_at", "It ends before it begins.")
        try:
            data["options"] = collection_settings.checked_options(self._source, self._given(data))
        except BadOption as error:
            name = BEFORE + error.option
            self.add_error(name if name in self.fields else None, str(error))
        return data

    def _given(self, data: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for option in self._source.options:
            value = data.get(BEFORE + option.name)
            if option.kind == "list":
                value = [line.strip() for line in str(value or "").splitlines() if line.strip()]
            given[option.name] = value
        return given

    def keep(self, user: Any) -> Collection:
        """Of a valid form: the collection, made or changed."""
        if not self.is_valid():
            raise ValidationError("The form is not valid.")
        data, held = self.cleaned_data, self._collection
        if held is None:
            held = Collection(event=self._event, source=self._source.name, user=user)
        values = {
            "name": data["name"],
            "options": data["options"],
            "starts_at": data["starts_at"],
            "stops_at": data["stops_at"],
            "revisit_days": data.get("ages", []),
        }
        if data.get("token") or data.get("forget_token"):
            values["token"] = data.get("token", "")
        changed = [name for name, value in values.items() if getattr(held, name) != value]
        for name in changed:
            setattr(held, name, values[name])
        collection_settings.keep(held, data["rules"], fields=changed)
        return held
