"""Texts that come from the forms of pages."""

from __future__ import annotations

from typing import Any

from django import forms


def typed(text: str) -> str:
    """A text as it was typed: a browser sends two characters for each line break, so that a text
    would be longer than its writer sees and other than the one that a script sends."""
    return text.replace("\r\n", "\n")


class TypedField(forms.CharField):
    """A field of a form for a text of several lines, whose bounds hold for it as it was typed."""

    def to_python(self, value: Any) -> str:
        return typed(super().to_python(value) or "")
