"""Reads which rules count for a reader now; held in the process for a moment."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Sequence

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from apps.recommend import experiments
from apps.recommend.index import Snapshot
from apps.recommend.models import BusinessRule
from apps.recommend.policy import NO_POLICY, Arm, Policy, Ruling
from apps.recommend.rule_matching import matching

HELD_SECONDS = 2.0
"""So long after a change by another process the older rules may still count."""

_lock = threading.Lock()
_rules: list[BusinessRule] = []
_rules_of = ""
_read_at = float("-inf")
_fits: dict[str, NDArray[np.bool_]] = {}
_fits_of: tuple[str, int, str] = ("", 0, "")


def reset() -> None:
    """Read the rules anew at the next page."""
    global _read_at
    _read_at = float("-inf")


def policy_for(key: uuid.UUID | None, snapshot: Snapshot) -> Policy:
    """What the team wants of the page of the reader or visitor of this ``key``.

    Without one (somebody whom no experiment can know again) no experiment counts.
    """
    running = experiments.running(snapshot.key) if key is not None else ()
    audiences, arms, own, seed = {""}, [], Arm(), 0
    if running and key is not None:
        held = [(experiment, experiments.arm_of(experiment, key)) for experiment in running]
        arms = [(experiment.pk, arm["name"]) for experiment, arm in held]
        own = experiments.merged([experiments.settings_of(arm) for _, arm in held])
        seed = experiments.page_seed([experiment.key for experiment in running], key)
        audiences |= {f"{experiment.key}/{arm['name']}" for experiment, arm in held}
    rules = [rule for rule in _enabled(snapshot.key) if rule.audience in audiences]
    counted = rulings(rules, snapshot) if own.rules else ()
    if not running and not counted:
        return NO_POLICY
    return Policy(counted, own, seed, tuple(arms))


def rulings(rules: Sequence[BusinessRule], snapshot: Snapshot) -> tuple[Ruling, ...]:
    """Those of ``rules`` that are within their dates, with the items that they fit."""
    now = timezone.now()
    return tuple(
        Ruling(rule.pk or 0, rule.name, rule.action, fits(rule, snapshot), rule.amount, rule.per)
        for rule in rules
        if (rule.starts_at is None or rule.starts_at <= now)
        and (rule.ends_at is None or rule.ends_at > now)
    )


def fits(rule: BusinessRule, snapshot: Snapshot) -> NDArray[np.bool_]:
    """Which items of ``snapshot`` the rule is about; kept while neither they nor the day change."""
    global _fits_of
    of = (snapshot.key, snapshot.revision, timezone.now().date().isoformat())
    with _lock:
        if _fits_of != of:
            _fits.clear()
            _fits_of = of
        name = json.dumps(rule.conditions, sort_keys=True)
        if name not in _fits:
            _fits[name] = matching(rule.conditions, snapshot)
        return _fits[name]


def _enabled(catalogue: str) -> list[BusinessRule]:
    global _rules, _rules_of, _read_at
    if _rules_of != catalogue or time.monotonic() - _read_at >= HELD_SECONDS:
        _rules, _rules_of = list(BusinessRule.objects.filter(enabled=True)), catalogue
        _read_at = time.monotonic()
    return _rules
