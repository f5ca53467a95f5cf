"""How far two people agree who labelled the same texts.

Cohen 1960, "A Coefficient of Agreement for Nominal Scales". Of spans there is no number of texts
that both left alone, so that kappa cannot be told; Hripcsak and Rothschild 2005, "Agreement, the
F-Measure, and Reliability in Information Retrieval", show that F1 is what it comes to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from ml.labelling.spans import Span


def class_agreement(first: Sequence[str], second: Sequence[str]) -> dict[str, Any]:
    """``n``, the share of texts with the same label, and Cohen's ``kappa``.

    ``kappa`` is ``None`` where it is not defined: no text, or one label for all of them.
    """
    same = sum(a == b for a, b in zip(first, second, strict=True))
    return {
        "n": len(first),
        "same": same / len(first) if first else None,
        "kappa": _kappa(first, second),
    }


def label_agreement(
    labels: Sequence[str], first: Sequence[Collection[str]], second: Sequence[Collection[str]]
) -> dict[str, Any]:
    """``n``, the share of texts with the same set, and by label as :func:`class_agreement`, with
    how often each person gave it."""
    same = sum(set(a) == set(b) for a, b in zip(first, second, strict=True))
    per_label = {}
    for label in labels:
        given = ["yes" if label in one else "no" for one in first]
        other = ["yes" if label in one else "no" for one in second]
        counts = {"first": given.count("yes"), "second": other.count("yes")}
        per_label[label] = {**class_agreement(given, other), **counts}
    return {
        "n": len(first),
        "same": same / len(first) if first else None,
        "per_label": per_label,
    }


def span_agreement(
    first: Sequence[Collection[Span]], second: Sequence[Collection[Span]]
) -> dict[str, Any]:
    """``n``, the share of texts with the same spans, and F1 of the spans, over all and by label.

    A span is the same with the same first and last character and the same label. F1 is ``None``
    where neither marked anything.
    """
    both: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    same = 0
    for one, other in zip(first, second, strict=True):
        same += set(one) == set(other)
        both.update(label for _, _, label in set(one) & set(other))
        marked.update(label for _, _, label in (*set(one), *set(other)))
    return {
        "n": len(first),
        "same": same / len(first) if first else None,
        "f1": _f1(both.total(), marked.total()),
        "per_label": {
            label: {"f1": _f1(both[label], number), "marked": number}
            for label, number in sorted(marked.items())
        },
    }


def _f1(both: int, marked: int) -> float | None:
    return 2 * both / marked if marked else None


def _kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    if len({*first, *second}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score  # half a second, for one page

    return float(cohen_kappa_score(first, second))
