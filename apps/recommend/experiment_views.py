"""The pages on which the team plans, starts, stops and reads experiments."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import AuditEntry
from apps.core.errors import InvalidInput, NotFound, Problem
from apps.recommend.experiment_results import METRICS, experiment_results
from apps.recommend.models import Experiment
from apps.recommend.services import experiments as services
from apps.recommend.team import team_required

ARM_ROWS = 4
_ACTS = {
    "start": (services.experiment_start, gettext_lazy("“%(name)s” runs from now on.")),
    "stop": (services.experiment_stop, gettext_lazy("“%(name)s” is stopped.")),
}
_DONE = {
    "experiment.made": gettext_lazy("planned it"),
    "experiment.started": gettext_lazy("started it"),
    "experiment.stopped": gettext_lazy("stopped it"),
}
_START: dict[str, Any] = {
    "layer": services.LAYER,
    "metric": "click",
    "baseline": "20",
    "lift": "5",
    "power": "80",
    "alpha": "5",
    "window_hours": "24",
}


def given_of(form: QueryDict) -> dict[str, Any]:
    """What a form says, in the shape that the API takes; percents become shares."""
    arms = []
    for number in range(ARM_ROWS):
        held = {
            name: form.get(f"{name}_{number}", "").strip()
            for name in ("arm", "share", "familiarity", "diversity", "exploration")
        }
        if held["arm"]:
            arms.append(
                {
                    "name": held["arm"],
                    "share": _share(held["share"]),
                    "settings": {
                        "rules": form.get(f"rules_{number}") == "on",
                        "familiarity": held["familiarity"],
                        "diversity": held["diversity"],
                        "exploration": held["exploration"],
                    },
                }
            )
    given: dict[str, Any] = {name: form.get(name, "") for name in ("name", "metric", "layer")}
    given |= {name: _share(form.get(name, "")) for name in ("baseline", "lift", "power", "alpha")}
    return given | {"arms": arms, "window_hours": form.get("window_hours", "")}


def _share(percent: str) -> float | str:
    try:
        return float(percent) / 100
    except ValueError:
        return percent


def _rows(form: QueryDict | None) -> list[dict[str, Any]]:
    """The arms' rows of the form: as sent, or two halves to start with."""
    if form is None:
        first = [("control", "50"), ("variant", "50")]
        rows = [
            {"number": n, "arm": arm, "share": s, "rules": True} for n, (arm, s) in enumerate(first)
        ]
        return rows + [{"number": n, "rules": True} for n in range(len(rows), ARM_ROWS)]
    names = ("arm", "share", "familiarity", "diversity", "exploration")
    return [
        {
            "number": number,
            "rules": form.get(f"rules_{number}") == "on",
            **{name: form.get(f"{name}_{number}", "") for name in names},
        }
        for number in range(ARM_ROWS)
    ]


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def experiments_page(request: HttpRequest) -> HttpResponse:
    """All experiments, with a form that plans a new one."""
    problem, form = None, None
    if request.method == "POST":
        form = request.POST
        try:
            made = services.experiment_create(actor=request.user, given=given_of(form))
        except Problem as error:
            problem = error
        else:
            return redirect("recommend:experiment", key=made.key)
    context = {
        "experiments": Experiment.objects.all(),
        "problem": problem,
        "values": form.dict() if form else _START,
        "rows": _rows(form),
        "metrics": METRICS,
    }
    status = problem.status if problem else 200
    return render(request, "recommend/experiments.html", context, status=status)


@require_POST
@team_required
def plan(request: HttpRequest) -> HttpResponse:
    """How many readers the plan in the form needs, as a fragment."""
    context: dict[str, Any] = {}
    try:
        draft = services.experiment_draft(given_of(request.POST))
        context = {"draft": draft, "in_all": draft.needed * len(draft.arms)}
    except InvalidInput as problem:
        context["problem"] = problem.message
    return render(request, "recommend/parts/experiment_plan.html", context)


@require_GET
@never_cache
@team_required
def experiment_page(request: HttpRequest, key: str) -> HttpResponse:
    """One experiment: its plan, its sizes and, once complete, its test."""
    experiment = get_object_or_404(Experiment, key=key)
    results = experiment_results(experiment)
    entries = AuditEntry.objects.filter(object_type="experiment", object_id=key)
    entries = entries.select_related("actor").order_by("-id")
    context = {
        "experiment": experiment,
        "results": results,
        "control": results.arms[0],
        "tables": [
            {
                "label": label,
                "metric": metric,
                "is_primary": metric == results.primary,
                "is_guard": metric in results.guards,
                "rows": [
                    (arm, arm.values.get(metric), arm.compared.get(metric)) for arm in results.arms
                ],
            }
            for metric, label in sorted(
                results.metrics.items(), key=lambda named: named[0] != results.primary
            )
        ],
        "history": [(entry, _DONE.get(entry.action, entry.action)) for entry in entries],
    }
    return render(request, "recommend/experiment.html", context)


@require_POST
@team_required
def experiment_act(request: HttpRequest, key: str, act: str) -> HttpResponse:
    """Start or stop an experiment, or delete it."""
    experiment = get_object_or_404(Experiment, key=key)
    if act != "delete" and act not in _ACTS:
        raise NotFound("There is no such act.")
    try:
        if act == "delete":
            services.experiment_delete(actor=request.user, experiment=experiment)
            messages.success(request, gettext("“%(name)s” is deleted.") % {"name": experiment.name})
            return redirect("recommend:experiments")
        done, words = _ACTS[act]
        done(actor=request.user, experiment=experiment)
        messages.success(request, words % {"name": experiment.name})
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("recommend:experiment", key=key)
