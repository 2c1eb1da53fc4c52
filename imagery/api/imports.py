"""Bringing posts in over the API, and how far each import is."""

from __future__ import annotations

import zipfile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import ingest, sources, tasks
from imagery.api import pagination
from imagery.api.asked import Paged, Strict
from imagery.api.endpoints import Endpoint, TooLarge
from imagery.api.serializers import ImportSerializer
from imagery.models import Event, Import
from imagery.views import imports as pages

MULTIPART_ROOM = 2**20  # bytes of a request that are not its files


class Upload(Strict):
    file = serializers.FileField(help_text="Posts, in any format the event takes.")
    images = serializers.FileField(required=False, help_text="A ZIP of its pictures.")
    format = serializers.ChoiceField(choices=["auto", *sources.FORMATS], default="auto")

    def validate_file(self, file: UploadedFile) -> UploadedFile:
        return _small_enough(file)

    def validate_images(self, file: UploadedFile) -> UploadedFile:
        _small_enough(file)
        if not zipfile.is_zipfile(file):  # type: ignore[arg-type]
            raise serializers.ValidationError(f"{file.name} is no ZIP archive.")
        file.seek(0)
        return file


def _small_enough(file: UploadedFile) -> UploadedFile:
    if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
        raise TooLarge(
            f"{file.name} has {file.size:,} bytes; {settings.MAX_UPLOAD_BYTES:,} is the most here. "
            "Larger files go in with manage.py import_posts."
        )
    return file


class NewImport(Endpoint):
    parser_classes = (MultiPartParser,)  # type: ignore[assignment]

    def most_bytes(self) -> int:
        return 2 * settings.MAX_UPLOAD_BYTES + MULTIPART_ROOM

    @extend_schema(
        operation_id="import", request={"multipart/form-data": Upload},
        responses={202: ImportSerializer},
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        """Queue a file of posts; when it is read, a pass over the event starts."""
        event = self.event(slug, may="edit")
        asked = Upload(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        row = ingest.accept_upload(
            event, request.user, given["file"], given["format"], given.get("images")
        )
        tasks.import_file.delay_on_commit(row.pk)
        where = request.build_absolute_uri(f"../imports/{row.pk}/")
        return Response(
            _told(request, event, row),
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": where},
        )


class Imports(Endpoint):
    query = Paged

    @extend_schema(
        operation_id="imports_list",
        parameters=[Paged],
        responses=pagination.page_of(ImportSerializer(many=True), "ImportPage"),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Imports, newest first."""
        event = self.event(slug)
        rows, cursor = pagination.page(
            Import.objects.filter(event=event), pagination.NEWEST, self.asked.get("cursor"),
            self.asked["limit"],
        )  # fmt: skip
        context = {"request": request, "slug": event.slug}
        told = ImportSerializer(rows, many=True, context=context).data
        return pagination.answer(request, told, cursor)


class OneImport(Endpoint):
    @extend_schema(operation_id="imports_read", responses=ImportSerializer)
    def get(self, request: Request, slug: str, import_id: int) -> Response:
        """How far an import is, and what came of its rows."""
        event = self.event(slug)
        row = Import.objects.filter(event=event, pk=import_id).first()
        if row is None:
            raise Http404(f"no import {import_id} in {event.slug!r}")
        return Response(_told(request, event, row))


class BadRows(Endpoint):
    @extend_schema(
        operation_id="imports_bad_rows",
        responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, slug: str, import_id: int) -> HttpResponseBase:
        """Rows that could not be read, each with its line and reason, as NDJSON."""
        return pages.bad_rows(request._request, slug, import_id)


def _told(request: Request, event: Event, row: Import) -> Any:
    return ImportSerializer(row, context={"request": request, "slug": event.slug}).data
