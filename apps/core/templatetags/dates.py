"""Django's ``date`` filter, with the formats of the templates put into the reader's language.

It is a builtin of every template (``TEMPLATES`` in the settings), so ``{{ at|date:"j M" }}`` is
"3 May" on an English page and "5月3日" on a Chinese one.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template import defaultfilters
from django.utils.translation import pgettext_lazy

register = template.Library()

FORMATS = {
    "j M": pgettext_lazy("format of a date", "j M"),
    "j M Y": pgettext_lazy("format of a date", "j M Y"),
    "j M H:i": pgettext_lazy("format of a date", "j M H:i"),
    "j M H:i:s": pgettext_lazy("format of a date", "j M H:i:s"),
    "j M, H:i": pgettext_lazy("format of a date", "j M, H:i"),
    "j M, H:i:s": pgettext_lazy("format of a date", "j M, H:i:s"),
    "j M Y H:i": pgettext_lazy("format of a date", "j M Y H:i"),
    "j F Y H:i": pgettext_lazy("format of a date", "j F Y H:i"),
}
"""What the templates write; any other format is the same in each language."""


@register.filter("date", expects_localtime=True, is_safe=False)
def date(value: Any, arg: str | None = None) -> str:
    return defaultfilters.date(value, str(FORMATS.get(arg or "", arg)) if arg else None)
