"""Numbers of the model hub as people read them."""

from __future__ import annotations

from django import template

register = template.Library()

_NAMES = {
    "ece": "Calibration error (ECE)",
    "f1": "F1",
    "macro_f1": "Macro F1",
    "n": "Rows measured",
    "n_oos": "Out-of-scope rows measured",
    "oos_auroc": "Out-of-scope AUROC",
    "oos_recall": "Out-of-scope recall",
}


@register.filter
def milliseconds(seconds: float) -> str:
    """A time in seconds as milliseconds: ``0.0041`` is ``4.1``."""
    value = seconds * 1000
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


@register.filter
def percent(share: float) -> str:
    """A share in [0, 1] as a percentage: ``0.9132`` is ``91.3%``."""
    return f"{share:.1%}"


@register.filter
def signed_points(difference: float) -> str:
    """A difference of two shares in percentage points with its sign: ``-0.1432`` is ``-14.3``."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


@register.filter
def metric(value: object) -> str:
    """A metric with four decimals; a count as a whole number."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value > 1 and value.is_integer() else f"{value:.4f}"


@register.filter
def measure(name: str) -> str:
    """A metric's or a threshold's name in words: ``macro_f1`` is ``Macro F1``."""
    words = name.replace("_", " ")
    return _NAMES.get(name, words[:1].upper() + words[1:])
