"""The words of scripts in the page's language, for ``static/js/words.js``."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

register = template.Library()


@register.simple_tag
def script_words() -> str | SafeString:
    """A ``<script type="application/json" id="words">``, which a strict policy allows; nothing in
    a language of which there is no catalogue."""
    words = _catalogue(get_language() or "en")
    return json_script(words, "words") if words else ""


@cache
def _catalogue(language: str) -> dict[str, Any]:
    """Each text of a script with its translation, or with the list of its plural forms."""
    view = JSONCatalog()
    folders = [str(path) for path in settings.LOCALE_PATHS]
    view.translation = DjangoTranslation(language, domain="djangojs", localedirs=folders)
    words: dict[str, Any] = view.get_catalog()
    return words
