"""Vectors of a coming version of the encoder, kept beside those that answer."""

from __future__ import annotations

from django.db import models


class ComingVector(models.Model):
    """An item's vector by a version that does not answer yet, of the text with that hash."""

    item = models.OneToOneField(
        "recommend.Item", on_delete=models.CASCADE, related_name="coming", primary_key=True
    )
    encoder_version = models.CharField(max_length=80)
    text_hash = models.CharField(max_length=64)
    vector = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["encoder_version"])]

    def __str__(self) -> str:
        return f"{self.item_id} by {self.encoder_version}"
