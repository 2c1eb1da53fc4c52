"""Forms of pages that change an event."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from imagery import rules, sources
from imagery.backbone_names import choices
from imagery.models import Event, Membership, Role, Rule

MOST_DAYS = 36_500


def slug_of(name: str) -> str:
    """An address made of a name: "Hurricane Maria, 2017" → "hurricane-maria-2017"; may be ""."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")


def zone_names() -> list[str]:
    return sorted(available_timezones())


class ZoneMixin:
    cleaned_data: dict[str, Any]

    def clean_timezone(self) -> str:
        name = self.cleaned_data["timezone"]
        if name not in available_timezones():
            raise ValidationError(f"{name!r} is no time zone: want a name such as Europe/Lisbon.")
        return name


ZONE_WIDGET = forms.TextInput(attrs={"list": "zones", "autocomplete": "off"})


class EventForm(ZoneMixin, forms.ModelForm):
    slug = forms.CharField(
        max_length=63,
        required=False,
        label="Address",
        help_text="Lower-case letters, digits, - and _. Made of the name when left empty.",
        validators=Event._meta.get_field("slug").validators[:1],
    )

    class Meta:
        model = Event
        fields = ["name", "slug", "timezone", "description"]
        labels = {"timezone": "Time zone"}
        help_texts = {"timezone": "Times are shown in it. A name such as America/Puerto_Rico."}
        widgets = {"timezone": ZONE_WIDGET, "description": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "slug" in self.errors:
            return data
        slug = data.get("slug") or slug_of(data.get("name", ""))
        if not slug and "name" in data:
            self.add_error("slug", "No address can be made of this name: enter one.")
        elif Event.objects.filter(slug=slug).exists():
            self.add_error(
                "slug", f"There is an event at {slug!r} already: choose another address."
            )
        data["slug"] = slug
        return data


class SettingsForm(ZoneMixin, forms.ModelForm):
    class Meta:
        model = Event
        fields = [
            "name", "description", "timezone", "dedup_threshold", "copies", "similarity",
            "backbone", "layer", "most_waiting",
        ]  # fmt: skip
        labels = {
            "timezone": "Time zone",
            "most_waiting": "Links that may wait",
            "dedup_threshold": "Copies differ in fewer bits than",
            "copies": "One picture is",
            "similarity": "Similarity θ",
        }
        help_texts = {
            "timezone": "Times are shown in it.",
            "dedup_threshold": "Of the 64 bits of a perceptual hash, 1 to 32. More finds stronger "
            "edits, and takes different pictures for copies.",
            "copies": "Decisions that people made hold either way.",
            "similarity": "0.45 to 1. Pictures more alike than this belong to one group.",
            "backbone": "The network that describes pictures. Needs its weights.",
            "layer": "Softmax: what is seen, by ImageNet class. Neural codes: how it looks.",
            "most_waiting": "Where more wait to be fetched than this, the newest are put aside, so "
            "that what is collected live is on the pages soon. Their posts stay and are counted, "
            "without their pictures, until someone brings the links back on the jobs page. Empty "
            "puts nothing aside.",
        }
        widgets = {
            "timezone": ZONE_WIDGET,
            "description": forms.Textarea(attrs={"rows": 3}),
            "similarity": forms.NumberInput(attrs={"step": "0.01", "min": "0.45", "max": "1"}),
            "dedup_threshold": forms.NumberInput(attrs={"min": 1, "max": 32}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = choices(self.instance.backbone)
        self.fields["backbone"] = forms.ChoiceField(
            choices=names, help_text=self.Meta.help_texts["backbone"]
        )

    def changes_pictures(self) -> bool:
        """Whether what was changed asks for another pass."""
        return bool(
            {"dedup_threshold", "copies", "similarity", "backbone", "layer"}
            & set(self.changed_data)
        )


class KeepingForm(forms.ModelForm):
    """What is deleted by itself: the owner's to say."""

    keep_days = forms.IntegerField(
        label="Days for which posts are kept",
        min_value=1,
        max_value=MOST_DAYS,
        required=False,
        help_text="Posts posted longer ago are deleted once a day, with their engagement, and with "
        "the accounts, links and pictures that no other post has. Empty keeps them.",
    )

    class Meta:
        model = Event
        fields = ["keep_days", "purge_gone"]
        labels = {"purge_gone": "Delete what is gone at its source"}
        help_texts = {
            "purge_gone": "Posts that their authors deleted or made private, as found when they "
            "are read again, are deleted here too, once a day. Otherwise they stay, marked as gone."
        }


class ImportForm(forms.Form):
    file = forms.FileField(label="Posts")
    format = forms.ChoiceField(required=False)
    images = forms.FileField(label="Pictures (ZIP)", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(source.name, source.label) for source in sources.FORMATS.values()]
        self.fields["format"].choices = [("auto", "Told by its content"), *named]  # type: ignore[attr-defined]

    def clean_format(self) -> str:
        return self.cleaned_data["format"] or "auto"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("file", "images"):
            file = data.get(name)
            if file and file.size > settings.MAX_UPLOAD_BYTES:
                most = settings.MAX_UPLOAD_BYTES // 2**20
                self.add_error(
                    name,
                    f"{file.name} has {file.size / 2**20:,.0f} MB; {most:,} MB is the most here. "
                    "Larger files go in with manage.py import_posts.",
                )
        return data


class RuleForm(forms.ModelForm):
    class Meta:
        model = Rule
        fields = ["kind", "value"]

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.event = event
        self.fields["kind"] = forms.ChoiceField(choices=Rule.Kind.choices)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            data["value"] = rules.check(data["kind"], data["value"])
        except ValidationError as error:
            self.add_error("value", error)
            return data
        if self.event.rules.filter(kind=data["kind"], value=data["value"]).exists():
            self.add_error("value", f"{data['value']!r} is among the rules already.")
        return data


class MemberForm(forms.Form):
    username = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER)

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.event = event

    def clean_username(self) -> Any:
        name = self.cleaned_data["username"].strip()
        user = get_user_model().objects.filter(username=name, is_active=True).first()
        if user is None:
            raise ValidationError(f"Nobody here is called {name!r}.")
        if Membership.objects.filter(event=self.event, user=user).exists():
            raise ValidationError(f"{name} is a member already: change the role below.")
        return user
