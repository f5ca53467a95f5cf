"""Data sets and their versions: made from a file, from corrections, or from both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core import gateway, locks
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub.files import rows_read, rows_store
from apps.modelhub.models import DataKind, DataSet, DataSetVersion, Upload
from apps.modelhub.selectors.corrections import corrections_of as corrections_of
from apps.modelhub.selectors.corrections import without_refused
from apps.modelhub.uploads import Preview, file_preview, upload_preview
from ml.data.row_kinds import Row, text_of
from ml.data.targeting import TARGET, TARGETED_TASK, is_marked
from ml.data.versions import Split, split_rows, statistics, with_corrections
from ml.encoders import file_sha256

TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
Kind = DataKind
BASES = ("latest", "shipped", "none")


def dataset_create(*, actor: Any, name: str, task: str, kind: str = "") -> DataSet:
    """Begin a data set for a task; raises ``InvalidInput`` or ``Conflict`` (the name is taken).

    ``kind`` is what is said of a text; of a task that has a model here it is that model's.
    """
    name, task = name.strip(), task.strip()
    fields = {}
    if not 0 < len(name) <= 80:
        fields["name"] = gettext("the name is missing or longer than 80 characters")
    if not TASK.fullmatch(task):
        fields["task"] = gettext("a task has letters, digits, - and _, 60 at most")
    served = {info.task: info.kind for info in gateway.models()}.get(task)
    kind = kind or served or Kind.CLASSIFICATION
    if kind not in Kind.values:
        known = {"kinds": ", ".join(Kind.values)}
        fields["kind"] = gettext("the kind is one of %(kinds)s") % known
    elif served and kind != served:
        told = {"task": task, "kind": dict(Kind.choices).get(served, served)}
        fields["kind"] = gettext("the model of %(task)s is of the kind “%(kind)s”") % told
    if fields:
        named = "; ".join(fields.values())
        raise InvalidInput("The data set cannot be made: %(named)s.", fields=fields, named=named)
    try:
        with transaction.atomic():
            dataset = DataSet.objects.create(name=name, task=task, kind=kind, actor=actor)
            audit_record(
                actor=actor,
                action="dataset.created",
                object_type="dataset",
                object_id=dataset.pk,
                task=task,
            )
    except IntegrityError as error:
        raise Conflict(
            "A data set is called %(name)s already.", code="name_taken", name=name
        ) from error
    return dataset


def version_from_upload(
    *,
    actor: Any,
    dataset: DataSet,
    upload: Upload,
    mapping: dict[str, str] | None = None,
    skip_bad: bool = False,
    corrections: bool = False,
) -> DataSetVersion:
    """A version of the rows of a file, with ``corrections`` of those that people corrected too.

    Raises ``InvalidInput`` when rows are bad and ``skip_bad`` is not set, and ``Conflict`` when all
    of them are frozen ones; nothing is stored then.
    """
    preview = upload_preview(upload=upload, task=dataset.task, kind=dataset.kind, mapping=mapping)
    rows = _usable(preview, upload.name, skip_bad)
    origin: dict[str, Any] = {"kind": "upload", "file": upload.name, "file_sha256": upload.sha256}
    if preview.bad:
        origin["left_out"] = preview.bad
    if corrections:
        rows, more = _corrected(dataset, rows)
        origin |= {"kind": "extended", **more}
    return _version_store(actor, dataset, rows, origin)


def version_extend(*, actor: Any, dataset: DataSet, base: str = "latest") -> DataSetVersion:
    """A version of a base and all corrections of the task so far; corrections win.

    ``base``: ``latest``, the last version's rows; ``shipped``, the file that the setting
    ``MODEL_BASE_FILES`` names for the task; ``none``, nothing but corrections. Raises ``Conflict``
    when that equals a version that is there, or leaves nothing to train on beside frozen rows.
    """
    rows: list[Row] = []
    origin: dict[str, Any] = {"kind": "extended"}
    latest = dataset.versions.first()
    if base == "latest":
        if latest is None:
            raise Conflict("The data set has no version yet to go on from.", code="no_version")
        rows = version_rows(latest)
        origin |= {"base": latest.number, "file_sha256": latest.origin.get("file_sha256", "")}
    elif base == "shipped":
        rows, file = _shipped_rows(dataset)
        origin |= {"file": file.name, "file_sha256": file_sha256(file)}
    elif base == "none":
        origin["kind"] = "corrections"
    else:
        raise InvalidInput(
            "The base is one of %(bases)s.", fields={"base": "unknown"}, bases=", ".join(BASES)
        )
    rows, more = _corrected(dataset, rows)
    if not rows:
        raise Conflict(
            "Nobody has corrected %(task)s yet.", code="no_corrections", task=dataset.task
        )
    return _version_store(actor, dataset, rows, origin | more)


def dataset_freeze(
    *,
    actor: Any,
    dataset: DataSet,
    upload: Upload,
    mapping: dict[str, str] | None = None,
    skip_bad: bool = False,
) -> DataSet:
    """Make the rows of a file those that every version is measured by, and none trained on.

    Raises ``Conflict`` when the last version would have nothing else to train on.
    """
    preview = upload_preview(upload=upload, task=dataset.task, kind=dataset.kind, mapping=mapping)
    rows = _usable(preview, upload.name, skip_bad)
    latest = dataset.versions.first()
    if latest is not None and not split_rows(version_rows(latest), rows).train:
        raise Conflict(
            (
                "%(name)s holds every text of version %(number)s, which would have nothing to "
                "train on; freeze fewer rows, or make a version with more texts first."
            ),
            code="nothing_to_train",
            name=upload.name,
            number=latest.number,
        )
    frozen = rows_store(rows)
    with transaction.atomic():
        audit_record(
            actor=actor,
            action="dataset.frozen",
            object_type="dataset",
            object_id=dataset.pk,
            file=upload.name,
            sha256=frozen,
            before=dataset.frozen,
        )
        dataset.frozen, dataset.frozen_rows = frozen, len(rows)
        dataset.save(update_fields=["frozen", "frozen_rows"])
    return dataset


def version_rows(version: DataSetVersion) -> list[Row]:
    """The rows of a version; raises ``Conflict`` when its file is not what it was."""
    return rows_read(version.sha256, str(version), version.dataset.kind)


def trainable_split(rows: Sequence[Row], dataset: DataSet) -> Split:
    """What of ``rows`` is trained on and what measured by.

    Raises ``Conflict`` when the data set's frozen rows leave nothing to train on, and as
    :func:`_check_marked`.
    """
    _check_marked(rows, dataset)
    split = split_rows(rows, frozen_rows(dataset))
    if dataset.frozen and not split.train:
        raise Conflict(
            (
                "Every text of these rows is among the frozen rows of %(name)s, which are never "
                "trained on; add texts that are not, or freeze other rows."
            ),
            code="nothing_to_train",
            name=dataset.name,
        )
    return split


def frozen_rows(dataset: DataSet) -> list[Row]:
    """The rows that all versions are measured by; none where the data set has no such file."""
    if not dataset.frozen:
        return []
    return rows_read(dataset.frozen, f"the frozen rows of {dataset.name}", dataset.kind)


def _corrected(dataset: DataSet, base: Sequence[Row]) -> tuple[list[Row], dict[str, Any]]:
    corrections = corrections_of(dataset.task, dataset.kind)
    if dataset.kind == Kind.EMBEDDING:
        base = without_refused(dataset.task, base)
    return with_corrections(base, corrections), {"corrections": len(corrections)}


def _shipped_rows(dataset: DataSet) -> tuple[list[Row], Path]:
    task = dataset.task
    file = settings.MODEL_BASE_FILES.get(task)
    if file is None or not Path(file).is_file():
        raise Conflict(
            "No base file of %(task)s is set up (MODEL_BASE_FILES); upload one.",
            code="no_base",
            task=task,
        )
    preview = file_preview(path=Path(file), name=Path(file).name, task=task, kind=dataset.kind)
    return list(_usable(preview, Path(file).name, False)), Path(file)


def _check_marked(rows: Sequence[Row], dataset: DataSet) -> None:
    """Raises ``Conflict`` where a row of targeted sentiment does not say of whom its label
    tells."""
    if dataset.task != TARGETED_TASK:
        return
    if plain := sum(not is_marked(text_of(row)) for row in rows):
        raise Conflict(
            "%(task)s learns from texts in which a company stands as “%(target)s”, and "
            "%(plain)s of these have none; take them out of the examples, or begin with rows "
            "without them.",
            code="company_unmarked",
            task=dataset.task,
            target=TARGET,
            plain=plain,
        )


def _usable(preview: Preview, name: str, skip_bad: bool) -> list[Row]:
    if preview.bad and not (skip_bad and preview.rows):
        shown = "; ".join(problem.rstrip(".") for problem in preview.problems[:3])
        raise InvalidInput("Nothing was stored: %(shown)s.", code="rows_refused", shown=shown)
    if not preview.rows:
        raise InvalidInput("%(name)s has no rows.", code="rows_missing", name=name)
    return list(preview.rows)


def _version_store(
    actor: Any, dataset: DataSet, rows: Sequence[Row], origin: dict[str, Any]
) -> DataSetVersion:
    _check_marked(rows, dataset)
    if dataset.frozen:
        trainable_split(rows, dataset)
    sha256 = rows_store(rows)
    with transaction.atomic():
        locks.hold(f"modelhub.dataset.{dataset.pk}")
        same = dataset.versions.filter(sha256=sha256).first()
        if same is not None:
            raise Conflict(
                "Version %(number)s has these very rows.", code="version_known", number=same.number
            )
        parent = dataset.versions.first()
        version = DataSetVersion.objects.create(
            dataset=dataset,
            number=parent.number + 1 if parent else 1,
            sha256=sha256,
            rows=len(rows),
            counts=statistics(rows),
            parent=parent,
            origin=origin,
            actor=actor,
        )
        audit_record(
            actor=actor,
            action="dataset.version",
            object_type="dataset",
            object_id=dataset.pk,
            number=version.number,
            sha256=sha256,
        )
    return version
