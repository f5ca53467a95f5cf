"""Why a rule about meaning or about the unusual matched: as an alert keeps it, and in words.

Kept are numbers and names, so that each reader gets the words in their own language;
``static/js/market/unusual.js`` says the same of what arrives on an open page.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from apps.market.models import Anomaly, Detector


def anomaly_reason(anomaly: Anomaly) -> dict[str, Any]:
    """What was unusual, as an alert keeps it."""
    return {
        "kind": anomaly.kind,
        "label": anomaly.get_kind_display(),
        **anomaly_measured(anomaly),
    }


def anomaly_measured(anomaly: Anomaly) -> dict[str, Any]:
    """How unusual it is, in numbers and in words."""
    return {
        "score": round(anomaly.score, 3),
        "threshold": anomaly.threshold,
        "value": anomaly.value,
        "usual": anomaly.usual,
        "topic": anomaly.topic,
        "words": anomaly_words(anomaly),
    }


def reason_words(reasons: dict[str, Any]) -> str:
    """Why the rule matched, in words; empty for rules about neither."""
    said = []
    if "meaning" in reasons:
        told = {
            "share": f"{reasons['meaning']['likeness']:.0%}",
            "text": reasons["meaning"]["text"],
        }
        said.append(gettext("%(share)s alike: “%(text)s”") % told)
    if "anomaly" in reasons:
        unusual = reasons["anomaly"]
        said.append(f"{gettext(unusual['label'])}: {unusual_words(unusual)}")
    return "; ".join(said)


def unusual_words(reason: dict[str, Any]) -> str:
    """What was unusual, in words, from what an alert keeps of it."""
    if "value" not in reason:  # alerts of before kept the words alone
        return str(reason["words"])
    return _words(reason["kind"], reason["value"], reason["usual"], reason["topic"])


def anomaly_words(anomaly: Anomaly) -> str:
    """What is unusual, in words."""
    return _words(anomaly.kind, anomaly.value, anomaly.usual, anomaly.topic)


def _words(kind: str, value: float, usual: float, topic: str) -> str:
    match kind:
        case Detector.Kind.BURST:
            told = {"n": f"{value:.0f}", "usual": f"{usual:.1f}"}
            return gettext("%(n)s stories in 24 hours; %(usual)s are usual") % told
        case Detector.Kind.SHIFT:
            words = gettext("news turned worse (%(value)s; %(usual)s is usual)")
            if value > usual:
                words = gettext("news turned better (%(value)s; %(usual)s is usual)")
            return words % {"value": _signed(value), "usual": _signed(usual)}
        case Detector.Kind.DIVERGENCE:
            words = gettext("%(value)s, below the others of its sector (%(usual)s)")
            if value > usual:
                words = gettext("%(value)s, above the others of its sector (%(usual)s)")
            return words % {"value": _signed(value), "usual": _signed(usual)}
        case _:
            told = {"topic": gettext(topic), "share": f"{usual:.1%}"}
            return gettext("%(topic)s: %(share)s of its news is about that") % told


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
