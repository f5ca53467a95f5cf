"""The language of a socket: as of a page, the account's, else the cookie's, else the browser's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header


def language_of(scope: Any) -> str:
    """The first language that is asked for and there is; else the default one."""
    headers = dict(scope.get("headers", ()))
    accepted = parse_accept_lang_header(headers.get(b"accept-language", b"").decode("latin-1"))
    cookie = scope.get("cookies", {}).get(settings.LANGUAGE_COOKIE_NAME, "")
    for code in (getattr(scope.get("user"), "language", ""), cookie, *(one for one, _ in accepted)):
        try:
            return get_supported_language_variant(code)
        except (LookupError, ValueError):
            continue
    return get_supported_language_variant(settings.LANGUAGE_CODE)
