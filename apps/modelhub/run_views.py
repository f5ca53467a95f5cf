"""Pages of runs: the list, the form, a run as it goes on and what came of it."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core import events
from apps.core.errors import FieldNames, InvalidInput, Problem
from apps.core.models import Job
from apps.modelhub import selectors
from apps.modelhub.access import permission_needed
from apps.modelhub.encoder_bases import bases_of
from apps.modelhub.field_labels import run_labels
from apps.modelhub.models import HEADLINES, DataSetVersion, Run
from apps.modelhub.promotion_views import promotion_context
from apps.modelhub.services import runs
from apps.modelhub.sight import Reader

_SHOWN = 60
_ROWS = (
    *("accuracy", "macro_f1", "exact_match", "micro_f1", "f1", "precision", "recall", "ece"),
    *("oos_recall", "in_scope_accuracy_at_threshold", "coverage", "accuracy_when_confident"),
    "robustness",
    *("recall@1", "recall@3", "mrr@10", "slips_recall@1", "slips_mrr@10", "candidates"),
)


@require_GET
@never_cache
@permission_needed("modelhub.change_runs")
def run_list(request: HttpRequest) -> HttpResponse:
    """The last runs."""
    found = selectors.run_list(task=request.GET.get("task", ""))[:_SHOWN]
    return render(request, "modelhub/runs.html", {"runs": found})


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("modelhub.change_runs")
def run_new(request: HttpRequest, dataset_id: int, number: int) -> HttpResponse:
    """The form of a run with the time it may take; posted with ``start``, the run is queued."""
    version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
    problem = None
    if "start" in request.POST:
        try:
            run = runs.run_start(actor=signed_in(request), version=version, **_asked(request))
        except Problem as error:
            problem = error
        else:
            return redirect("modelhub:run", run_id=run.pk)
    context = _form(request, version)
    if problem is not None:
        context["problem"] = problem.message_with(context["labels"])
    status = problem.status if problem else 200
    return render(request, "modelhub/run_new.html", context, status=status)


def _form(request: HttpRequest, version: DataSetVersion) -> dict[str, Any]:
    values = request.POST
    context: dict[str, Any] = {
        "version": version,
        "labels": run_labels(),
        "methods": runs.methods_of(version.dataset.kind),
        "bases": bases_of(kind=version.dataset.kind, task=version.dataset.task),
        "has_recipe": (settings.MODEL_RECIPES_DIR / f"{version.dataset.task}.toml").is_file(),
        "values": values,
        "method": values.get("method", "lora"),
        "recipe": values.get("recipe", "plain"),
        "limits": _limits(),
        "most_epochs": f"{runs.MOST_EPOCHS:g}",
    }
    try:
        split = runs.run_split(version)
        context["train_rows"], context["held_out_rows"] = len(split.train), len(split.held_out)
        plan = runs.run_plan(version=version, split=split, **_asked(request))
        usual = {"epochs": f"{plan.config.epochs:g}", "rate": f"{plan.config.rate:g}"}
        context |= {"usual": usual, "estimate": plan.estimate}
    except Problem as problem:
        context["problem"] = problem.message_with(context["labels"])
    return context


def _limits() -> str:
    """What a run may take of the machine, in words."""
    threads, memory = settings.MODEL_RUN_THREADS, settings.MODEL_RUN_MEMORY_MB
    words = ngettext("one thread", "%(n)d threads", threads) % {"n": threads}
    if memory:
        words = gettext("%(threads)s and %(memory)s MB of memory at most") % {
            "threads": words,
            "memory": f"{memory:,}",
        }
    return words


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The options that the form gives."""
    given: dict[str, Any] = {
        name: request.POST[name]
        for name in ("method", "base", "recipe", "advanced")
        if request.POST.get(name)
    }
    for name in ("epochs", "learning_rate"):
        value = request.POST.get(name, "").strip()
        if not value:
            continue
        given[name] = _number(value)
        if not math.isfinite(given[name]):
            raise InvalidInput(
                "%(name)s: %(value)r is not a number.", name=FieldNames([name]), value=value[:20]
            )
    return given


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@require_GET
@never_cache
@permission_needed("modelhub.change_runs")
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    """A run: live while it goes on, its result and the verdict of the gate once it is over."""
    stream = runs.run_stream(run_id)
    # The heads are read before the content: what happens in between is replayed to the page.
    heads = events.heads([stream])
    run = selectors.run_get(run_id=run_id)
    job_head = events.head(f"job.{run.job_id}") if run.job_id else 0
    context: dict[str, Any] = {
        "run": run,
        "job": run.job,
        "before": selectors.runs_before(run=run) if run.state == Job.Status.QUEUED else 0,
        "live": {
            "stream": stream,
            "seq": heads.get(stream, 0),
            "job": f"job.{run.job_id}" if run.job_id else "",
            "job_seq": job_head,
            "finished": run.is_finished,
        },
        "readings": selectors.run_readings(run=run),
        "warnings": selectors.run_warnings(run=run),
        "log": selectors.run_log(run=run),
        "limits": _limits(),
    }
    if run.result:
        context |= _result(run, signed_in(request)) | promotion_context(
            request, run.task, run.version
        )
    return render(request, "modelhub/run.html", context)


def _result(run: Run, person: Any) -> dict[str, Any]:
    candidate, live = run.result["candidate"], run.result.get("live") or {}
    old = live.get("per_label", {})
    result = Reader(person).result(run)
    labels = [
        {"label": label, **row, "live": old.get(label, {}).get("recall")}
        for label, row in candidate["per_label"].items()
    ]
    labels.sort(key=lambda row: row["recall"] - (row["live"] or 0.0))
    return {
        "measures": [
            {
                "name": name,
                "candidate": candidate[name],
                "interval": candidate.get("intervals", {}).get(name),
                "live": live.get(name),
                "live_interval": live.get("intervals", {}).get(name),
            }
            for name in _ROWS
            if name in candidate
        ],
        "difference": _difference(run.result.get("comparison") or {}),
        "changed": result.get("changed", []),
        "wrong": result.get("wrong", []),
        "candidate": candidate,
        "live_numbers": live,
        "labels": labels,
    }


def _difference(comparison: dict[str, Any]) -> dict[str, Any] | None:
    """The difference of the first number to the live version's, and how likely by luck."""
    for name in HEADLINES:
        found = comparison.get(f"{name}_difference")
        if found is not None:
            by_row = name in ("accuracy", "recall@1")
            test = comparison.get("mcnemar") if by_row else None
            return {
                "name": name,
                "points": found["difference"],
                "p_value": (test or found)["p_value"],
                "test": "McNemar" if test else "bootstrap",
            }
    return None


@require_POST
@permission_needed("modelhub.change_runs")
def run_cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a run."""
    runs.run_cancel(actor=signed_in(request), run=selectors.run_get(run_id=run_id))
    return redirect("modelhub:run", run_id=run_id)


@require_POST
@permission_needed("modelhub.change_runs")
def run_resume(request: HttpRequest, run_id: int) -> HttpResponse:
    """Go on with a run that failed or was cancelled."""
    runs.run_resume(actor=signed_in(request), run=selectors.run_get(run_id=run_id))
    return redirect("modelhub:run", run_id=run_id)
