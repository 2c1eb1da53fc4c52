"""Bytes of an event's images, for those who come with a token."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from imagery.api.endpoints import Endpoint
from imagery.views import files


class Thumb(Endpoint):
    @extend_schema(operation_id="thumb", responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, sha256: str, side: int) -> HttpResponseBase:
        """A JPEG of at most 320, 640, 960 or 1600 pixels, also of what a block list covers."""
        return files.thumb(request._request, slug, sha256, side, cover=False)


class File(Endpoint):
    @extend_schema(
        operation_id="file", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, slug: str, sha256: str) -> HttpResponseBase:
        """The file as it was fetched, under its own content type."""
        return files.original(request._request, slug, sha256)
