"""The table of receipts: that a reader was forgotten, without a word about who it was."""

from __future__ import annotations

import secrets

from django.db import models


def new_number() -> str:
    """The reference number of a receipt; it says nothing and cannot be guessed."""
    return secrets.token_hex(6).upper()


class ForgetReceipt(models.Model):
    """That all that was kept of a reader was deleted, when and how much.

    ``subject`` is a keyed hash of the reader's key, by which a later question can be answered;
    ``left`` names the places whose rows have to be cleared by hand.
    """

    number = models.CharField(max_length=12, primary_key=True, default=new_number, editable=False)
    subject = models.CharField(max_length=64, db_index=True)
    counts = models.JSONField(default=dict)
    left = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"receipt {self.number}"
