"""Whether a candidate may take the live version's place, check by check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """What a candidate must keep. Margins are differences to the live version, in shares.

    ``label_margin`` is for the recall of labels with at least ``label_rows`` rows. The calibration
    error may be ``ece``, ``ece_margin`` above the live one or what honest confidences would show of
    so few rows 19 times of 20, whichever allows more. Latency is
    milliseconds of the processor for a text alone, and size bytes; ``factor`` times the live
    version's is allowed too where that is more. ``slice_rows``, ``slice_margin`` and
    ``slice_level`` are for :func:`ml.runs.slicing.judge_slices`.
    """

    rows: int = 20
    margin: float = 0.01
    label_rows: int = 20
    label_margin: float = 0.05
    scope_margin: float = 0.03
    robust_margin: float = 0.03
    ece: float = 0.05
    ece_margin: float = 0.02
    latency_ms: float = 60.0
    size_bytes: int = 150_000_000
    factor: float = 1.5
    slice_rows: int = 30
    slice_margin: float = 0.05
    slice_level: float = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: the candidate's ``value``, the live version's, and the bound that held."""

    name: str
    passed: bool
    value: float | None
    live: float | None
    limit: float | None
    note: str = ""


def judge(
    candidate: Mapping[str, Any], live: Mapping[str, Any] | None, limits: Limits
) -> dict[str, Any]:
    """The verdict ``passed`` on what :func:`ml.runs.measuring.measured` found, with its checks.

    Without a live version only the absolute bounds are checked.
    """
    rows = int(candidate["n"])
    checks = [Check("rows", rows >= limits.rows, rows, None, limits.rows)]
    old = live or {}
    for name in ("accuracy", "macro_f1", "exact_match", "micro_f1", "f1", "recall@1", "mrr@10"):
        checks += _not_less(name, candidate.get(name), old.get(name), limits.margin)
    # Of a candidate that cannot tell out-of-scope texts no recall is told: it finds none.
    found = candidate.get("oos_recall", 0.0 if candidate.get("n_oos") else None)
    checks += _not_less("oos_recall", found, old.get("oos_recall"), limits.scope_margin)
    # One that refuses nearly every text finds all that are out of scope, and answers nobody.
    name = "in_scope_accuracy_at_threshold"
    if name in candidate or name in old:
        kept, live_kept = (one.get(name, one.get("accuracy")) for one in (candidate, old))
        checks += _not_less(name, kept, live_kept, limits.scope_margin)
    for name in ("robustness", "slips_recall@1", "slips_mrr@10"):
        checks += _not_less(name, candidate.get(name), old.get(name), limits.robust_margin)
    checks += _labels(candidate, old, limits)
    if "ece" in candidate:  # taggers and encoders tell none
        most = max(limits.ece, candidate.get("ece_by_chance_95", 0.0))
        checks.append(_at_most("ece", candidate, old, most, limits.ece_margin))
    for name, most in (("latency_ms", limits.latency_ms), ("size_bytes", limits.size_bytes)):
        allowed = max(most, limits.factor * old.get(name, 0.0))
        value = candidate[name]
        checks.append(Check(name, value <= allowed, value, old.get(name), allowed))
    return {
        "passed": all(check.passed for check in checks),
        "live": old.get("version"),
        "checks": [asdict(check) for check in checks],
    }


def _not_less(name: str, value: Any, live: Any, margin: float) -> list[Check]:
    if value is None or live is None:
        return []
    limit = live - margin
    return [Check(name, value >= limit - 1e-9, value, live, limit)]


def _labels(candidate: Mapping[str, Any], live: Mapping[str, Any], limits: Limits) -> list[Check]:
    """The recall of each label with enough rows; all that hold are one check."""
    failed, judged = [], 0
    for label, new in candidate["per_label"].items():
        old = live.get("per_label", {}).get(label)
        if old is None or new["rows"] < limits.label_rows:
            continue
        judged += 1
        limit = old["recall"] - limits.label_margin
        if new["recall"] < limit - 1e-9:
            check = Check("label_recall", False, new["recall"], old["recall"], limit, label)
            failed.append(check)
    if failed or not judged:
        return failed
    return [Check("label_recall", True, None, None, None, f"{judged}")]


def _at_most(
    name: str,
    candidate: Mapping[str, Any],
    live: Mapping[str, Any],
    most: float,
    margin: float,
) -> Check:
    allowed = max(most, live.get(name, 0.0) + margin)
    return Check(name, candidate[name] <= allowed, candidate[name], live.get(name), allowed)
