"""The page of runs side by side."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.selectors import signed_in
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.comparing import VERDICTS, Comparison, Wanted, rows_changed, runs_compare
from apps.modelhub.run_charts import curves
from ml.runs.comparing import Changed

_PER_PAGE = 50
_LISTED = 60
_SHARES = (
    *("accuracy", "macro_f1", "exact_match", "micro_f1", "f1", "oos_recall"),
    *("recall@1", "recall@3"),
)
_OWN = (*_SHARES, "ece", "mrr@10")
_MEASURED = ("n", "latency_ms", "size_bytes")


@require_GET
@never_cache
@permission_needed("modelhub.change_runs")
def compare(request: HttpRequest) -> HttpResponse:
    """Two to four runs (``?run=``) side by side, with the rows that they answer differently."""
    try:
        found = runs_compare(run_ids=run_ids(request.GET))
        wanted = wanted_rows(request.GET)
    except InvalidInput as problem:
        context: dict[str, Any] = {"runs": selectors.run_list()[:_LISTED], "problem": problem}
        given = request.GET.getlist("run")
        context["ticked"] = [int(key) for key in given if key.isdecimal() and len(key) < 10]
        return render(request, "modelhub/runs.html", context, status=problem.status)
    rows: list[Changed] = []
    unreadable = ""
    try:
        rows = rows_changed(signed_in(request), found, wanted)
    except Conflict as problem:
        unreadable = problem.message
    asked = request.GET.copy()
    asked.pop("page", None)
    readings = {run.pk: selectors.run_readings(run=run) for run in found.runs}
    context = {
        "comparison": found,
        "runs": [_head(run, found, request.GET) for run in found.runs],
        "own": _own(found),
        "metrics": _metrics(found),
        "curves": curves(readings),
        "accuracies": curves(readings, ("held_out_accuracy",), most=1.0),
        "found": curves(readings, ("held_out_recall",), most=1.0),
        "against": _against(found),
        "slices": _slices(found),
        "labels": _labels(found),
        "page": Paginator([_row(row, found) for row in rows], _PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "wanted": wanted,
        "unreadable": unreadable,
        "verdicts": VERDICTS,
        "asked": asked.urlencode(),
    }
    return render(request, "modelhub/compare.html", context)


def run_ids(given: QueryDict) -> list[int]:
    """The runs that a query asks for, ``?run=1&run=2`` or ``?run=1,2``."""
    words = [word for value in given.getlist("run") for word in value.split(",") if word.strip()]
    if not all(word.strip().isdecimal() and len(word) < 10 for word in words):
        raise InvalidInput("A run is named by its number.", fields={"run": "not a number"})
    return [int(word) for word in words]


def wanted_rows(given: QueryDict) -> Wanted:
    """The filter of a query; raises ``InvalidInput`` for an unknown verdict."""
    verdict, against = given.get("verdict") or "any", given.get("against", "")
    if verdict not in VERDICTS:
        raise InvalidInput(
            "The verdict is one of %(verdicts)s.",
            fields={"verdict": "unknown"},
            verdicts=", ".join(VERDICTS),
        )
    return Wanted(
        verdict,
        int(against) if against.isdecimal() and len(against) < 10 else None,
        given.get("label", "").strip(),
        given.get("q", "").strip()[:200],
    )


def _head(run: Any, found: Comparison, given: QueryDict) -> dict[str, Any]:
    """A run as the head of its column, with the link that compares the others with it."""
    others = [one.pk for one in found.runs if one.pk != run.pk]
    query = "&".join(f"run={key}" for key in (run.pk, *others))
    is_first = bool(found.compared) and found.compared[0].pk == run.pk
    return {"run": run, "query": query, "is_first": is_first, "compared": run in found.compared}


def _own(found: Comparison) -> list[dict[str, Any]]:
    """What each run was measured to do by its own rows, and what it took."""
    names = dict.fromkeys(
        name for run in found.runs for name in run.result.get("candidate", {}) if name in _OWN
    )
    return [
        {
            "name": name,
            "share": name in _SHARES,
            "values": [
                {
                    "value": run.result.get("candidate", {}).get(name),
                    "interval": run.result.get("candidate", {}).get("intervals", {}).get(name),
                }
                for run in found.runs
            ],
        }
        for name in (*names, *_MEASURED)
    ]


def _metrics(found: Comparison) -> list[dict[str, Any]]:
    """A row for each number on the shared rows: the first run's, and the others' beside it."""
    if found.numbers is None:
        return []
    metrics, against = found.numbers["metrics"], found.numbers["against"]
    return [
        {
            "name": name,
            "rows": first["rows"],
            "values": [
                {**one[name], "difference": other["differences"][name] if other else None}
                for one, other in zip(metrics, [None, *against], strict=True)
            ],
        }
        for name, first in metrics[0].items()
    ]


def _against(found: Comparison) -> list[dict[str, Any]]:
    if found.numbers is None:
        return []
    return [
        {"run": run, **one}
        for run, one in zip(found.compared[1:], found.numbers["against"], strict=True)
    ]


def _slices(found: Comparison) -> list[dict[str, Any]]:
    """Parts of the rows, with where a run lies outside the first one's interval."""
    if found.numbers is None:
        return []
    shown = []
    for name, groups in found.numbers["slices"].items():
        for group in groups:
            low, high = group["values"][0]["interval"]
            values = [
                {
                    **one,
                    "side": "less" if one["value"] < low else "more" if one["value"] > high else "",
                }
                for one in group["values"]
            ]
            shown.append({"slice": name, **group, "values": values})
    return shown


def _labels(found: Comparison) -> list[str]:
    """The right labels of the shared rows, by which rows can be chosen."""
    slices = found.numbers["slices"] if found.numbers else {}
    return sorted(group["group"] for group in slices.get("label", ()))


def _row(row: Changed, found: Comparison) -> dict[str, Any]:
    said = zip(found.compared, row.said, row.right, row.confidence, strict=True)
    return {
        "text": row.text,
        "label": row.label,
        "answers": [
            {"run": run.pk, "said": words, "right": right, "confidence": confidence}
            for run, words, right, confidence in said
        ],
    }
