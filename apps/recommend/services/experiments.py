"""Writes of experiments: planning, starting and stopping them, each with who did it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.recommend import experiments
from apps.recommend.experiment_results import METRICS
from apps.recommend.experiment_statistics import readers_needed
from apps.recommend.models import Experiment

MOST_ARMS = 6
LAYER = "page"
"""The layer of an experiment for which none is named."""
_LIMITS = {"familiarity": (-1.0, 1.0), "diversity": (0.0, 1.0), "exploration": (0.0, 0.5)}
_Status = Experiment.Status


def experiment_draft(given: Mapping[str, Any]) -> Experiment:
    """The experiment that ``given`` describes, unsaved, with the readers that it needs.

    Raises ``InvalidInput`` naming the first thing that is off.
    """
    name = " ".join(str(given.get("name") or "").replace("\x00", " ").split())
    key = slugify(str(given.get("key") or name))[:40]
    if not 0 < len(name) <= 120 or not key or key == "plan":
        raise _bad("Give the experiment a name with letters, of at most 120 characters.")
    layer = slugify(str(given.get("layer") or LAYER))[:40]
    if not layer:
        raise _bad("Give the layer a name with letters.")
    if given.get("metric") not in METRICS:
        raise _bad(f"metric is one of {', '.join(METRICS)}.")
    arms = _arms(given.get("arms"))
    plan = {
        field: _share(field, given.get(field, default), low, high)
        for field, default, low, high in (
            ("baseline", None, 0.0001, 0.9999),
            ("lift", None, -0.99, 10),
            ("power", 0.8, 0.5, 0.99),
            ("alpha", 0.05, 0.001, 0.2),
        )
    }
    if not plan["lift"]:
        raise _bad("A lift of 0 is nothing to find.")
    try:
        needed = readers_needed(**plan, comparisons=len(arms) - 1)
    except ValueError as error:
        raise _bad(f"{str(error).capitalize()}.") from error
    if needed > 100_000_000:
        raise _bad("So small a lift needs more than 100 million readers of each arm.")
    return Experiment(
        key=key,
        name=name,
        layer=layer,
        arms=arms,
        metric=given["metric"],
        needed=needed,
        window_hours=int(_number("window_hours", given.get("window_hours", 24), 1, 24 * 60)),
        **plan,
    )


def experiment_create(*, actor: Any, given: Mapping[str, Any]) -> Experiment:
    """Store a draft; raises ``NotAllowed``, ``InvalidInput`` and ``Conflict`` (a taken key)."""
    _checked(actor)
    draft = experiment_draft(given)
    with transaction.atomic():
        if Experiment.objects.filter(key=draft.key).exists():
            raise Conflict(
                "There is an experiment %(key)r already.", code="key_taken", key=draft.key
            )
        draft.save()
        _told(actor, draft, "experiment.made", needed=draft.needed)
    return draft


def experiment_start(*, actor: Any, experiment: Experiment) -> Experiment:
    """Start a draft.

    One experiment runs in a layer, and no two set the same thing: readers fall into the arms of
    two layers independently (Tang et al. 2010), so that neither explains what the other finds.
    """
    _checked(actor)
    with transaction.atomic():
        # All are locked, so that of two that start at once the second sees the first.
        others = list(Experiment.objects.select_for_update().exclude(status=_Status.STOPPED))
        held = Experiment.objects.get(pk=experiment.pk)
        if held.status != _Status.DRAFT:
            raise Conflict("Only a draft can be started.", code="experiment_started")
        for other in others:
            if other.status == _Status.RUNNING:
                _apart(held, other)
        held.status, held.started_at = _Status.RUNNING, timezone.now()
        held.save(update_fields=["status", "started_at"])
        _told(actor, held, "experiment.started")
    experiments.reset()
    return held


def _apart(experiment: Experiment, other: Experiment) -> None:
    """Raise ``Conflict`` when the running ``other`` would get into the way of ``experiment``."""
    if experiment.layer == other.layer:
        raise Conflict(
            (
                "“%(name)s” runs in the layer “%(layer)s”; stop it first, or plan this one in "
                "another layer."
            ),
            code="experiment_runs",
            name=other.name,
            layer=other.layer,
        )
    same = experiments.settings_changed(experiment.arms) & experiments.settings_changed(other.arms)
    if same:
        raise Conflict(
            "“%(name)s” runs and sets %(same)s too; stop it first.",
            code="experiment_runs",
            name=other.name,
            same=", ".join(sorted(same)),
        )


def experiment_stop(*, actor: Any, experiment: Experiment) -> Experiment:
    """Stop a running experiment; every page is as without it from then on."""
    _checked(actor)
    with transaction.atomic():
        held = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if held.status != _Status.RUNNING:
            raise Conflict("The experiment does not run.", code="experiment_not_running")
        held.status, held.stopped_at = _Status.STOPPED, timezone.now()
        held.save(update_fields=["status", "stopped_at"])
        _told(actor, held, "experiment.stopped")
    experiments.reset()
    return held


def experiment_delete(*, actor: Any, experiment: Experiment) -> None:
    """Delete a draft or a stopped experiment with what was kept for it."""
    _checked(actor)
    with transaction.atomic():
        held = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if held.status == _Status.RUNNING:
            raise Conflict("Stop the experiment first.", code="experiment_runs")
        _told(actor, held, "experiment.deleted", name=held.name)
        held.delete()


def _told(actor: Any, experiment: Experiment, action: str, **details: Any) -> None:
    audit_record(
        actor=actor, action=action, object_type="experiment", object_id=experiment.key, **details
    )


def _checked(actor: Any) -> None:
    if not actor.has_perm("recommend.manage"):
        raise NotAllowed("Only administrators run experiments.")


def _bad(problem: str) -> InvalidInput:
    return InvalidInput(problem, code="invalid_experiment")


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise _bad(f"{name} is a number from {low:g} to {high:g}.")
    return number


def _share(name: str, value: Any, low: float, high: float) -> float:
    """A share, which requests give as such and the form in percent: a refusal says both."""
    try:
        return _number(name, value, low, high)
    except InvalidInput as error:
        words = f"{name} is a number from {low:g} to {high:g} ({100 * low:g}% to {100 * high:g}%)."
        raise _bad(words) from error


def _arms(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= MOST_ARMS:
        raise _bad(f"An experiment has from 2 to {MOST_ARMS} arms, the control first.")
    arms = [_arm(arm) for arm in given]
    if len({arm["name"] for arm in arms}) != len(arms):
        raise _bad("Two arms have the same name.")
    if not math.isclose(whole := sum(arm["share"] for arm in arms), 1.0, abs_tol=1e-6):
        raise _bad(f"The shares of the arms sum to {whole:.4g} ({whole:.4%}), not to 1 (100%).")
    return arms


def _arm(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _bad("An arm is an object with name, share and settings.")
    name = slugify(str(given.get("name") or ""))[:40]
    if not name:
        raise _bad("Each arm needs a name with letters.")
    settings = given.get("settings") or {}
    if not isinstance(settings, Mapping) or set(settings) - {"rules", *_LIMITS}:
        raise _bad(f"The settings of an arm are rules, {', '.join(_LIMITS)}.")
    checked: dict[str, Any] = {"rules": bool(settings.get("rules", True))}
    for field, (low, high) in _LIMITS.items():
        if settings.get(field) not in (None, ""):
            checked[field] = _number(field, settings[field], low, high)
    return {
        "name": name,
        "share": _share(f"share of {name}", given.get("share"), 0.001, 1),
        "settings": checked,
    }
