"""What is asked of a list of known hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from imagery.models import Event, HashList


class FileForm(forms.Form):
    """More lines for a list that is there."""

    file = forms.FileField(label="File of hash,quality,name lines", allow_empty_file=True)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.size:
            raise ValidationError(f"{file.name} is empty.")
        if file.size > settings.MAX_UPLOAD_BYTES:
            most = settings.MAX_UPLOAD_BYTES // 2**20
            raise ValidationError(f"{file.name} has {file.size / 2**20:,.0f} MB; {most:,} is most.")
        return file


class ListForm(forms.ModelForm):
    """A list's name, once in its event, and what it does."""

    class Meta:
        model = HashList
        fields = ["name", "action"]

    def __init__(self, *args: Any, event: Event, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.event = event

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        same = HashList.objects.filter(event=self.instance.event, name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"There is a list {name!r} already: choose another name.")
        return name


class NewListForm(ListForm, FileForm):
    """A new list; its file's name stands in for a name that is left out."""

    name = forms.CharField(max_length=120, required=False)
    field_order = ("file", "name", "action")

    def clean_name(self) -> str:
        file = self.files.get("file")
        if not self.cleaned_data["name"].strip() and file is not None:
            self.cleaned_data["name"] = Path(file.name or "list").stem[:120] or "list"
        return super().clean_name()
