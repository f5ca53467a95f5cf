"""The language in which a person is written to when no request says it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation


def spoken(language: str) -> AbstractContextManager[None]:
    """Let words be in ``language``, as an account has it; empty or unknown, in the site's own."""
    known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    return translation.override(known)
