"""Fine-tuning runs: ordered, followed by a worker, measured and judged."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core import events, gateway, locks
from apps.core.errors import Conflict, FieldNames, InvalidInput
from apps.core.jobs import Progress, job_cancel, job_start
from apps.core.models import Job
from apps.core.wording import said
from apps.modelhub import selectors
from apps.modelhub.encoder_bases import bases_of
from apps.modelhub.gate_checks import judged_by_apps
from apps.modelhub.gate_slices import judged_by_slices
from apps.modelhub.models import DataKind, DataSetVersion, Run
from apps.modelhub.selectors.runs import Estimate
from apps.modelhub.services.run_orders import run_config, run_order
from apps.modelhub.services.run_orders import run_split as run_split
from ml.allowed import Between, OneOf
from ml.data.versions import Split
from ml.errors import DataError, MLError
from ml.runs.gate import Limits, judge
from ml.runs.process import follow_run
from ml.training.config import FinetuneConfig, check_values
from ml.training.few_rows import STEPS
from ml.wording import Wording

RUN_JOB = "modelhub.run"
METHODS = (*("lora", "full", "head", "bitfit", "adapter", "ia3", "adalora", "prefix", "prompt"),)
RECIPES = ("plain", "shipped")
MOST_EPOCHS = float(STEPS)  # which few rows in one batch get by themselves
_EPOCHS = Between(0, MOST_EPOCHS, above=True)
_RATES = Between(0, 1, above=True)
_NAMED = 5
_NOT_ADVANCED = {
    "encoder": Wording("the base is chosen above"),
    "refit": Wording("a run is measured on rows that it has not seen"),
    "distil": Wording("teachers are folders of the server"),
    "search": Wording("a run has one recipe"),
    "wandb_project": Wording("runs are told here"),
    "mlflow_uri": Wording("runs are told here"),
    "card": Wording("the card is written from the run"),
    "method": Wording("it is chosen above"),
    "epochs": Wording("they are chosen above"),
    "learning_rate": Wording("it is chosen above"),
}


def methods_of(kind: str) -> tuple[str, ...]:
    """The methods that can tune a model of a kind: of an encoder there is no head to tune."""
    return tuple(one for one in METHODS if kind != DataKind.EMBEDDING or one != "head")


def run_stream(run_id: int) -> str:
    return f"modelhub.run.{run_id}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is not stored yet, the recipe by which it will train, how long it may take."""

    run: Run
    config: FinetuneConfig
    estimate: Estimate


def run_plan(
    *,
    version: DataSetVersion,
    split: Split | None = None,
    method: str = "lora",
    base: str = "",
    epochs: float | None = None,
    learning_rate: float | None = None,
    recipe: str = "plain",
    advanced: str = "",
) -> Plan:
    """What a run of a data set version would be; ``split`` are its rows where they are known.

    ``advanced`` are further settings as TOML; ``recipe`` says what they and the options change:
    ``plain`` defaults, or the ``shipped`` one of the task. Raises ``InvalidInput`` naming the
    field, or ``Conflict`` when the rows cannot be trained on.
    """
    kind = version.dataset.kind
    bases = bases_of(kind=kind, task=version.dataset.task)
    base = base or bases[0]
    _check(method, base, bases, epochs, learning_rate, recipe, advanced)
    if method not in methods_of(kind):
        raise InvalidInput(
            "The method %(method)r tunes no weights of a sentence encoder; choose another.",
            fields={"method": f"one of {', '.join(methods_of(kind))}"},
            method=method,
        )
    split = split or run_split(version)
    run = Run(
        dataset_version=version,
        task=version.dataset.task,
        base=base,
        method=method,
        options={"recipe": recipe} | _given(epochs=epochs, learning_rate=learning_rate),
        advanced=advanced.strip(),
    )
    config = run_config(run, split)
    estimate = selectors.run_estimate(
        rows=len(split.train), epochs=config.epochs, method=method, kind=kind
    )
    run.estimate_seconds = estimate.seconds
    return Plan(run, config, estimate)


def run_start(*, actor: Any, version: DataSetVersion, **asked: Any) -> Run:
    """Queue a run of a data set version as it is asked for (:func:`run_plan`); runs are done one
    after the other. Asked for again before it has ended, it is the same run.

    Raises ``InvalidInput`` naming the field, or ``Conflict`` when the rows cannot be trained on.
    """
    run = run_plan(version=version, **asked).run
    run.actor = actor
    with transaction.atomic():
        locks.hold(f"modelhub.runs.{version.pk}")
        same = selectors.run_alike(run=run)
        if same is not None:
            return same
        run.save()
        audit_record(
            actor=actor,
            action="run.started",
            object_type="run",
            object_id=run.pk,
            task=run.task,
            data=str(version),
        )
        _queue(run, actor)
    run.refresh_from_db()
    return run


def run_resume(*, actor: Any, run: Run) -> Run:
    """Queue a run that failed or was cancelled again; it goes on from its last checkpoint."""
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("job").get(pk=run.pk)
        if not run.is_finished:
            raise Conflict("The run is going on.", code="run_unfinished")
        if run.state == Job.Status.SUCCEEDED:
            raise Conflict("The run has ended well already.", code="run_finished")
        audit_record(actor=actor, action="run.resumed", object_type="run", object_id=run.pk)
        _queue(run, actor)
    run.refresh_from_db()
    return run


def run_cancel(*, actor: Any, run: Run) -> Run:
    """Stop a run, or take it out of the queue; raises ``Conflict`` when it has ended."""
    if run.job is None:
        raise Conflict("The run has ended.", code="job_finished")
    job_cancel(job=run.job)
    audit_record(actor=actor, action="run.cancelled", object_type="run", object_id=run.pk)
    run.refresh_from_db()
    return run


def run_execute(progress: Progress, *, run_id: int) -> dict[str, Any]:
    """The job of a run. Done again after its worker died, it goes on from the last checkpoint."""
    run = Run.objects.select_related("dataset_version__dataset", "dataset_version__parent").get(
        pk=run_id
    )
    order, train_rows = run_order(run)
    told = _Told(run, progress)
    try:
        result = follow_run(order, told.tell, told.beat)
    except MLError as error:
        raise InvalidInput(error.words, code="run_failed") from error
    told.stage("judging")
    gate = judge(result["candidate"], result["live"], Limits(**settings.MODEL_GATE))
    gate = judged_by_slices(gate, run=run, progress=progress)
    gate = judged_by_apps(gate, task=run.task, candidate=result["version"], progress=progress)
    notes = _notes(run, result)
    gate |= {"notes": notes, "notes_parts": [words.parts() for words in notes]}
    with transaction.atomic():
        run.version = result.pop("version")
        seconds = result["seconds"]
        run.result, run.gate = result | _read(run, train_rows), gate
        run.seconds = seconds["training"] + seconds["other"]
        run.save(update_fields=["version", "result", "gate", "seconds"])
        payload = {"version": run.version, "passed": gate["passed"]}
        events.publish(run_stream(run.pk), "run.finished", payload)
    return {"run": run.pk, **payload}


STAGES = (
    *(Wording("starting"), Wording("training"), Wording("building")),
    *(Wording("measuring"), Wording("judging"), Wording("vectors")),
)
"""What a run tells of itself; its process knows no languages."""


class _Told:
    """Passes what the run's process tells on to the job's row and to the run's page."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self._stream = run_stream(run.pk)
        self._progress = progress
        self._stage = "starting"
        self._step: tuple[int, int, str] = (0, 0, "")

    def stage(self, name: str) -> None:
        self._stage, self._step = name, (0, 0, "")
        with transaction.atomic():
            events.publish(self._stream, "run.stage", {"stage": name})
        self.beat()

    def tell(self, message: dict[str, Any]) -> None:
        if "stage" in message:
            self.stage(message["stage"])
        elif "reading" in message:
            # JSON columns take no NaN; why the run fails is told by the run itself.
            known = {
                name: value
                for name, value in message["reading"].items()
                if not isinstance(value, float) or math.isfinite(value)
            }
            with transaction.atomic():
                events.publish(self._stream, "run.reading", known)
        elif "step" in message:
            done, total, words = message["step"]
            self._step = (done, total, words)
            self.beat()

    def beat(self) -> None:
        """Keep the job alive; raises when it was cancelled."""
        done, total, words = self._step
        told = Wording("%(stage)s %(words)s", stage=Wording(self._stage), words=Wording(words))
        self._progress.update(done, total, told if words else Wording(self._stage))


def _queue(run: Run, actor: Any) -> None:
    run.job = job_start(
        kind=RUN_JOB,
        title=gettext("Fine-tune %(task)s on %(version)s")
        % {"task": run.task, "version": run.dataset_version},
        owner=actor,
        arguments={"run_id": run.pk},
    )
    # Of this column alone: where jobs are done at once the run has ended by now.
    Run.objects.filter(pk=run.pk).update(job=run.job)


def _check(
    method: str,
    base: str,
    bases: Sequence[str],
    epochs: float | None,
    learning_rate: float | None,
    recipe: str,
    advanced: str,
) -> None:
    fields = {}
    if method not in METHODS:
        fields["method"] = said(OneOf(METHODS).words)
    if base not in bases:
        fields["base"] = gettext("not a base that the server offers")
    if epochs is not None and epochs not in _EPOCHS:
        fields["epochs"] = said(_EPOCHS.words)
    if learning_rate is not None and learning_rate not in _RATES:
        fields["learning_rate"] = said(_RATES.words)
    if recipe not in RECIPES:
        fields["recipe"] = said(OneOf(RECIPES).words)
    if problem := _advanced_problem(advanced):
        fields["advanced"] = problem
    if fields:
        raise InvalidInput(
            "The run cannot be started: %(named)s.",
            fields=fields,
            named=FieldNames(fields, fields),
        )


def _advanced_problem(advanced: str) -> str:
    try:
        told = tomllib.loads(advanced)
        check_values(told)
    except tomllib.TOMLDecodeError as error:
        return said(Wording("is not TOML: %(error)s", error=error))
    except DataError as error:
        return said(error.problem)
    refused = [f"{name} ({said(why)})" for name, why in _NOT_ADVANCED.items() if name in told]
    names = ", ".join(refused)
    return gettext("may not set %(names)s") % {"names": names} if refused else ""


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _read(run: Run, train_rows: int) -> dict[str, Any]:
    """How many rows were trained on, and how often they were read: a run may stop early."""
    readings = selectors.run_readings(run=run)
    epochs = [row["epoch"] for row in readings if row["phase"] == "fit" and "epoch" in row]
    return {"train_rows": train_rows, **({"epochs": max(epochs)} if epochs else {})}


def _notes(run: Run, result: dict[str, Any]) -> list[Wording]:
    """What to know about the verdict."""
    if result["live"] is None:
        if problem := result.get("live_problem"):
            parts = result.get("live_problem_parts")
            return [Wording.of(parts) if parts else Wording(problem)]
        return [
            Wording(
                "There is no live version to compare with; only the absolute bounds were checked."
            )
        ]
    notes = []
    known_labels = set(result["candidate"].get("labels", ()))
    lost = [label for label in result["live"].get("labels", ()) if label not in known_labels]
    if lost:
        named = ", ".join(lost[:_NAMED]) + (", …" if len(lost) > _NAMED else "")
        notes.append(
            Wording(
                "It never answers %(lost)s of the labels that the live version knows, since no row "
                "has them: %(named)s. Where they are still needed, add rows to the data set.",
                lost=len(lost),
                named=named,
            )
        )
    store = gateway.model_store()
    known = {source.sha256 for source in store.artifact(run.task, result["live"]["version"]).data}
    if _files_of(run.dataset_version) & known and not run.dataset_version.dataset.frozen:
        notes.append(
            Wording(
                "The live version was trained on the file that this data set was made of, the "
                "held-out rows included: its numbers flatter it. Give the data set frozen rows."
            )
        )
    return notes


def _files_of(version: DataSetVersion | None) -> set[str]:
    """The hashes of the files that a version and those before it were made of."""
    found = set()
    while version is not None:
        found.add(version.origin.get("file_sha256", ""))
        version = version.parent
    return found - {""}
