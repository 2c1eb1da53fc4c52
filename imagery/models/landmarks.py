"""What an image is looked up by when versions of it are sought."""

from __future__ import annotations

from django.db import models

from imagery.models.pictures import Image


class Landmarks(models.Model):
    """Coarse local features of one image; all of them are in a file beside its thumbnail."""

    image = models.OneToOneField(
        Image, on_delete=models.CASCADE, primary_key=True, related_name="landmarks"
    )
    version = models.CharField(max_length=20)
    rows = models.BinaryField(help_text="of imagery.core.feature_codes.ROW")

    def __str__(self) -> str:
        return f"landmarks of image {self.image_id}"
