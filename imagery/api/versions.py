"""The files of one unique image as versions: how each was found, and where it lies."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imagery import placing
from imagery.api import asked, pagination
from imagery.api.endpoints import Endpoint
from imagery.api.pagination import Key
from imagery.api.pictures import find_unique
from imagery.api.serializers import PictureSerializer
from imagery.core import placements
from imagery.models import Image, Match

KINDS = tuple(Match.Kind.values)


class VersionSerializer(PictureSerializer):
    """A file of a unique image. What matches tell is null where no match leads to it: then it is
    the representative, a near copy by hash, or was joined by people."""

    id = serializers.IntegerField(source="pk", help_text="Of the file, as decisions name it.")
    posts = serializers.IntegerField(source="n_posts")
    first_posted_at = serializers.DateTimeField(allow_null=True)
    distance = serializers.IntegerField(
        allow_null=True, help_text="pHash bits from the representative."
    )
    representative = serializers.SerializerMethodField()
    near_copy_of = serializers.IntegerField(
        source="near_id", allow_null=True, help_text="The file that stands for it by hash alone."
    )
    kind = serializers.SerializerMethodField()
    derived = serializers.SerializerMethodField(
        help_text="Whether it was made of `found_in`; else that was made of it."
    )
    found_in = serializers.SerializerMethodField(help_text="The file it was matched with.")
    inliers = serializers.SerializerMethodField(help_text="Features that agree.")
    mirrored = serializers.SerializerMethodField()
    placement = serializers.SerializerMethodField(
        help_text="Six numbers, row by row: from fractions of it to fractions of the "
        "representative, mirroring included."
    )

    def _way(self, image: Image) -> placing.Way | None:
        return self.context["ways"].get(placing.key_of(image))

    def get_representative(self, image: Image) -> bool:
        return image.pk == self.context["root"]

    @extend_schema_field(serializers.ChoiceField(choices=KINDS, allow_null=True))
    def get_kind(self, image: Image) -> str | None:
        way = self._way(image)
        return way.kind if way else None

    def get_derived(self, image: Image) -> bool | None:
        way = self._way(image)
        return not way.back if way else None

    def get_found_in(self, image: Image) -> int | None:
        way = self._way(image)
        return way.found_in if way else None

    def get_inliers(self, image: Image) -> int | None:
        way = self._way(image)
        return way.inliers if way else None

    def get_mirrored(self, image: Image) -> bool | None:
        way = self._way(image)
        return placements.is_mirrored(way.placement) if way and way.placement is not None else None

    @extend_schema_field(
        serializers.ListField(
            child=serializers.FloatField(), min_length=6, max_length=6, allow_null=True
        )
    )
    def get_placement(self, image: Image) -> list[float] | None:
        way = self._way(image)
        if way is None or way.placement is None:
            return None
        return [round(float(value), 6) for value in way.placement.ravel()]


class Versions(Endpoint):
    query = asked.Paged

    @extend_schema(
        operation_id="images_versions",
        parameters=[asked.Paged],
        responses=pagination.page_of(VersionSerializer(many=True), "VersionPage"),
    )
    def get(self, request: Request, slug: str, image_id: int) -> Response:
        """All files of one unique image, by id: how each was found to be a version of it."""
        event = self.event(slug)
        unique = find_unique(event, image_id)
        rows, cursor = pagination.page(
            unique.copies.defer("signature"), Key("id", int),
            self.asked.get("cursor"), self.asked["limit"],
        )  # fmt: skip
        root = unique.representative
        matches = placing.matches_of(unique) if unique.n_copies > 1 else []
        context = {
            "request": request,
            "slug": event.slug,
            "root": root.pk,
            "ways": placing.ways_to(placing.key_of(root), matches),
        }
        told = VersionSerializer(rows, many=True, context=context).data
        return pagination.answer(request, told, cursor)
