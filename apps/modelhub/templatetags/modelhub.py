"""Numbers of the model hub as people read them."""

from __future__ import annotations

from django import template

register = template.Library()

_NAMES = {
    "ece": "Calibration error (ECE)",
    "f1": "F1",
    "label_recall": "Recall of labels",
    "latency_ms": "Latency, ms",
    "macro_f1": "Macro F1",
    "n": "Rows measured",
    "n_oos": "Out-of-scope rows measured",
    "oos_auroc": "Out-of-scope AUROC",
    "oos_recall": "Out-of-scope recall",
    "rows": "Rows measured",
    "size_bytes": "Size, MB",
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


@register.filter
def bound(value: float | None, name: str) -> str:
    """A number of a gate's check by the check's name; nothing where there is none."""
    if value is None:
        return "–"
    if name == "size_bytes":
        return f"{value / 1e6:.1f}"
    if name == "latency_ms":
        return f"{value:.1f}"
    return f"{value:.0f}" if name == "rows" else f"{value:.4f}"


@register.filter
def duration(seconds: float) -> str:
    """A time as people say it: ``95`` is ``1 min 35 s``."""
    whole = max(1, round(seconds))
    minutes, left = divmod(whole, 60)
    if not minutes:
        return f"{left} s"
    if minutes < 10:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
