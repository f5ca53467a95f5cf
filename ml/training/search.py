"""A search for better settings: trials chosen by what earlier ones found, bad ones ended early.

Settings come from a tree-structured Parzen estimator (Bergstra et al. 2011), trials that are worse
after an epoch than half of the others were are ended (the median rule of Golovin et al. 2017), both
of Optuna. Trials are judged by rows that are split off the training file for this; the held-out
rows, by which the chosen recipe will be measured, take no part. All is kept in one folder, so that
a search that was stopped or killed goes on with the same command, its spent time counted.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from ml.errors import DataError, TrainingError
from ml.training.checkpoints import remove_checkpoints, run_key
from ml.training.compare import QUALITY, with_fixed_split
from ml.training.config import FinetuneConfig
from ml.training.few_rows import fitted_to_few
from ml.training.finetune import finetune
from ml.training.kinds import check_settings
from ml.training.known_data import known_weights
from ml.training.processes import check_alone
from ml.training.rows import FinetuneRequest, classification_rows
from ml.training.search_space import Space, combinations, search_space
from ml.training.tracking import as_toml, replace_text
from ml.training.trainer import ProgressCallback

JOURNAL, BEST, RESULT = "trials.journal", "best.toml", "search.json"
_KEY, _MINUTES, _REPEAT = "key", "minutes", "repeat"
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
_STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "ended early",
    TrialState.FAIL: "stopped",
    TrialState.RUNNING: "stopped",
    TrialState.WAITING: "waiting",
}
_TELL_EVERY = 5.0
"""Seconds from one note of a trial's time to the next."""

_STARTUP = 5
"""Trials before the sampler and the pruner go by what they have seen."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial: its settings, what it reached (``None`` if it did not end), and its minutes."""

    number: int
    state: str
    value: float | None
    settings: dict[str, Any]
    minutes: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """All trials, the best one's settings, and how much each setting counted (shares of 1)."""

    metric: str
    trials: tuple[TrialRow, ...]
    best: TrialRow
    importance: dict[str, float]
    minutes: float
    recipe: Path


class _OutOfTimeError(Exception):
    """The minutes are spent; the trial under way does not count."""


def search(
    request: FinetuneRequest,
    *,
    minutes: float,
    trials: int | None = None,
    progress: ProgressCallback | None = None,
    told: Callable[[TrialRow], None] | None = None,
) -> SearchResult:
    """Try settings for ``minutes`` (of training, those of earlier sittings included).

    ``request.output`` is the search's folder; ``told`` is called after each trial. The first trial
    has the recipe's own settings, so that the best is never worse than those. No settings are tried
    twice, as they would come out the same; once all have been, the search ends, as it does at the
    interrupt key with what it has. A trial that was cut off is tried again when the search goes on.

    Raises :class:`DataError` for unusable rows, settings and folders, :class:`TrainingError` when
    no trial came to its end.
    """
    check_alone("search")
    if request.kind not in ("classification", "multi_label", "ner"):
        raise TrainingError(f"a search needs rows with labels; {request.kind} has none")
    check_settings(request.config, request.kind)
    space = search_space(request.config, request.kind)
    folder = request.output
    study = _study(request)
    apart = with_fixed_split(replace(request, output=folder / "rows"), apart=True)
    own = _own_recipe(apart)
    if not study.get_trials(deepcopy=False):
        _begin_with(study, own, space)
    chosen_by = _chosen_by(apart, folder, own)
    try:
        while (left := minutes - _spent(study)) > 0 and _more(study, trials):
            if (trial := _next_trial(study, space)) is None:
                break
            _run(study, trial, chosen_by, space, left, progress)
            if told is not None:
                told(_row(study.get_trials(deepcopy=False)[trial.number]))
    except _OutOfTimeError:
        pass
    except KeyboardInterrupt as error:
        if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            raise TrainingError(
                "interrupted before a trial of the search came to its end; "
                "the same command tries it again"
            ) from error
    finally:
        shutil.rmtree(folder / "artifact", ignore_errors=True)
    return _result(study, request, space)


def _study(request: FinetuneRequest) -> optuna.Study:
    """The study in the folder, a new one if there is none; trials that were cut off are redone."""
    folder, config = request.output, request.config
    optuna.logging.set_verbosity(logging.WARNING)
    key = run_key(config, request.files, request.kind, known_weights(config))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        study = optuna.create_study(
            study_name="search",
            storage=storage,
            load_if_exists=True,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_STARTUP - 1),
        )
    except OSError as error:
        raise DataError(folder, None, f"cannot be written ({error.strerror})") from error
    if not study.user_attrs:
        study.set_user_attr(_KEY, key)
    elif study.user_attrs[_KEY] != key:
        raise DataError(folder, None, "holds a search with other data or another recipe")
    # A sitting that drew as the one before would make its trials again.
    seed = (config.seed + len(study.get_trials(deepcopy=False))) % 2**32
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        # What was enqueued for it, too: not all may have been asked for yet.
        study.enqueue_trial(trial.system_attrs.get("fixed_params", {}) | trial.params)
    return study


def _own_recipe(apart: FinetuneRequest) -> FinetuneConfig:
    """The recipe as it trains by itself on the training rows: fitted to few, if they are."""
    if apart.kind != "classification":
        return apart.config
    rows, _ = classification_rows(apart)
    return fitted_to_few(apart.config, rows=len(rows), classes=len({row.label for row in rows}))


def _begin_with(study: optuna.Study, own: FinetuneConfig, space: Space) -> None:
    """Let the first trial have the recipe's own settings, where the space has them."""
    known = replace(own, learning_rate=own.rate)
    settings = {name: getattr(known, name) for name in space}
    if all(space[name].holds(value) for name, value in settings.items()):
        study.enqueue_trial(settings)


def _chosen_by(apart: FinetuneRequest, folder: Path, own: FinetuneConfig) -> FinetuneRequest:
    """The request on the training rows alone, some of them split off to choose by.

    Whether rows are few is decided by all that the chosen recipe will be trained on.
    """
    config = apart.config
    if config.few_shot == "auto":
        config = replace(config, few_shot="off" if own is config else "on")
    inner = replace(apart, valid_file=None, output=apart.output / "inner", config=config)
    return replace(with_fixed_split(inner), output=folder / "artifact")


def _next_trial(study: optuna.Study, space: Space) -> Trial | None:
    """A trial of settings that none had before, where these can be counted; ``None`` if all had."""
    ended = _tried(study)
    known = combinations(space)
    untried = None if known is None else [settings for settings in known if settings not in ended]
    if untried == []:
        return None
    trial = study.ask()
    if not untried or _suggested(trial, space) in untried:
        return trial
    trial.set_user_attr(_REPEAT, True)
    study.tell(trial, state=TrialState.FAIL)
    chance = random.Random(f"{study.user_attrs[_KEY]} {trial.number}")  # noqa: S311 - reproducible
    study.enqueue_trial(chance.choice(untried))
    return study.ask()


def _tried(study: optuna.Study) -> list[dict[str, Any]]:
    """The settings of the trials that need no other try."""
    return [
        trial.params
        for trial in study.get_trials(deepcopy=False)
        if trial.state in _ENDED or "problem" in trial.user_attrs
    ]


def _suggested(trial: Trial, space: Space) -> dict[str, Any]:
    return {name: part.suggest(trial, name) for name, part in space.items()}


def _more(study: optuna.Study, trials: int | None) -> bool:
    return trials is None or len(study.get_trials(deepcopy=False, states=_ENDED)) < trials


def _spent(study: optuna.Study) -> float:
    return sum(_minutes(trial) for trial in study.get_trials(deepcopy=False))


def _minutes(trial: FrozenTrial) -> float:
    """As they were noted: what Optuna takes for the duration of a trial that a kill cut off goes
    on until the search does."""
    return float(trial.user_attrs.get(_MINUTES, 0.0))


class _Clock:
    """Notes in a trial how long it has trained, so that a kill leaves it known."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._started = self._told = time.monotonic()

    def tick(self) -> None:
        """Time goes on; it is noted now and then."""
        if time.monotonic() > self._told + _TELL_EVERY:
            self.tell()

    def tell(self) -> None:
        """Note the time."""
        self._told = time.monotonic()
        self._trial.set_user_attr(_MINUTES, (self._told - self._started) / 60)


def _run(
    study: optuna.Study,
    trial: Trial,
    request: FinetuneRequest,
    space: Space,
    left: float,
    progress: ProgressCallback | None,
) -> None:
    """One trial, told to the study unless it is cut off: then it is left as a kill leaves it.

    Settings that cannot be trained are the trial's own problem, unless they are those of the recipe
    or no others could be either.
    """
    first = not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    tried = len(_tried(study))
    until = None if first else time.monotonic() + left * 60
    state, value, clock = TrialState.FAIL, None, _Clock(trial)

    def step(done: int, total: int, message: str) -> None:
        clock.tick()
        if until is not None and time.monotonic() > until:
            raise _OutOfTimeError
        if progress is not None:
            progress(done, total, f"trial {trial.number + 1} {message}")

    try:
        value = _train(trial, request, space, step)
        state = TrialState.COMPLETE
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except (TrainingError, DataError) as error:
        trial.set_user_attr("problem", str(error))
        if first and (tried == 0 or tried >= _STARTUP):
            raise
    except (_OutOfTimeError, KeyboardInterrupt):
        state = TrialState.RUNNING
        raise
    finally:
        clock.tell()
        if state != TrialState.RUNNING:
            study.tell(trial, value, state=state)


def _train(
    trial: Trial, request: FinetuneRequest, space: Space, progress: ProgressCallback
) -> float:
    """What a trial's settings reach on the rows that are chosen by."""

    epochs = count(1)

    def read(phase: str, _: int, numbers: Mapping[str, float]) -> None:
        # Not teachers nor a successor; and epochs, as trials may differ in the steps of one.
        if phase == "fit" and "held_out_accuracy" in numbers:
            trial.report(numbers["held_out_accuracy"], epoch := next(epochs))
            if trial.should_prune():
                raise optuna.TrialPruned(f"after epoch {epoch}")

    run = request.run_folder / f"{trial.number:04d}"
    settings = _suggested(trial, space)
    config = replace(_with(request.config, settings), refit=False, measure_epochs=True)
    asked = replace(request, config=config, run_folder=run, observer=read)
    try:
        return finetune(asked, progress).metrics[QUALITY[request.kind]]
    finally:
        remove_checkpoints(run)


def _row(trial: FrozenTrial) -> TrialRow:
    problem = trial.user_attrs.get("problem", "")
    state = "failed" if problem else _STATES[trial.state]
    return TrialRow(
        number=trial.number + 1,
        state=state,
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        settings=dict(trial.params),
        minutes=round(_minutes(trial), 2),
        problem=problem,
    )


def _result(study: optuna.Study, request: FinetuneRequest, space: Space) -> SearchResult:
    trials = study.get_trials(deepcopy=False)
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if not done:
        problems = [
            trial.user_attrs["problem"] for trial in trials if "problem" in trial.user_attrs
        ]
        why = f": {problems[-1]}" if problems else "; give it more minutes"
        raise TrainingError(f"no trial of the search came to its end{why}")
    best = _row(study.best_trial)
    recipe = request.output / BEST
    replace_text(recipe, as_toml(replace(_with(request.config, best.settings), search={})))
    result = SearchResult(
        metric=QUALITY[request.kind],
        trials=tuple(
            _row(trial)
            for trial in trials
            if trial.state != TrialState.WAITING and _REPEAT not in trial.user_attrs
        ),
        best=best,
        importance=_importance(study, space) if len(done) >= _STARTUP else {},
        minutes=round(_spent(study), 2),
        recipe=recipe,
    )
    content = {**asdict(result), "recipe": str(recipe)}
    replace_text(request.output / RESULT, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return result


def _with(config: FinetuneConfig, settings: Mapping[str, Any]) -> FinetuneConfig:
    """The recipe with a trial's settings, which stay where others are fitted to few rows."""
    return replace(config, **settings, stated=sorted({*config.stated, *settings}))


def _importance(study: optuna.Study, space: Space) -> dict[str, float]:
    """Shares of the variance between trials (fANOVA, Hutter et al. 2014)."""
    try:
        judge = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=judge, params=list(space))
    except (RuntimeError, ValueError):  # no variance to share, as when all trials end alike
        return {}
    return {name: round(share, 4) for name, share in found.items()}
