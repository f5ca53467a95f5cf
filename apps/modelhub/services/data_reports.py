"""Reports on versions of data sets: repeats, leakage into held-out rows, suspect labels."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core import gateway, locks
from apps.core.errors import Conflict
from apps.core.jobs import Progress, job_start
from apps.core.models import Job
from apps.modelhub.files import report_path
from apps.modelhub.models import DataKind, DataSetVersion
from apps.modelhub.services.datasets import frozen_rows, version_rows
from ml.artifacts import TOKENIZER
from ml.data.pairs import PairRow
from ml.data.report import SHOWN, data_report, near_pairs_span
from ml.data.row_kinds import Row, record_of, text_of
from ml.data.splits import text_key
from ml.data.text_tools import Encoder, Report, TextTools, encoder_tools
from ml.data.versions import Split, split_rows, statistics
from ml.errors import ModelNotFound
from ml.files import write_whole
from ml.wording import Wording

REPORT_JOB = "modelhub.data-report"
STEPS = (Wording("near duplicates"), Wording("label noise"), Wording("sentence vectors"))
"""What is told while a report is made, by what knows no languages."""


def report_start(*, actor: Any, version: DataSetVersion) -> Job:
    """Queue a report on a version; raises ``Conflict`` while one is being made."""
    with transaction.atomic():
        locks.hold(f"modelhub.report.{version.pk}")
        going = Job.objects.filter(kind=REPORT_JOB, arguments__version_id=version.pk)
        if going.filter(status__in=(Job.Status.QUEUED, Job.Status.RUNNING)).exists():
            raise Conflict(
                "A report on %(version)s is being made.", code="report_unfinished", version=version
            )
        job = job_start(
            kind=REPORT_JOB,
            title=gettext("Report on %(version)s") % {"version": version},
            owner=actor,
            arguments={"version_id": version.pk},
        )
        audit_record(
            actor=actor,
            action="dataset.reported",
            object_type="dataset",
            object_id=version.dataset_id,
        )
    return job


def report_make(progress: Progress, *, version_id: int) -> dict[str, Any]:
    """The job of a report. It keeps which rows it speaks of, and none of their texts."""
    version = DataSetVersion.objects.select_related("dataset").get(pk=version_id)
    split = version_split(version)
    pairs = version.dataset.kind == DataKind.EMBEDDING
    kind = DataKind.CLASSIFICATION if pairs else version.dataset.kind
    with tempfile.TemporaryDirectory(prefix="trefoil-report-") as folder:
        train = _written(Path(folder) / "train.jsonl", split.train)
        valid = _written(Path(folder) / "valid.jsonl", split.held_out) if split.held_out else None
        found = data_report(
            train,
            valid,
            kind=cast(Any, kind),
            tools=TextTools() if pairs else _tools(progress.update),
            report=progress.update,
        )
    kept = _without_texts(found)
    if pairs:
        kept |= _of_pairs(split, kept["leaking"])
    kept["warnings_parts"] = [words.parts() for words in kept["warnings"]]
    path = report_path(version.sha256, version.dataset.frozen)
    write_whole(path, json.dumps(kept, ensure_ascii=False).encode())
    return {"version": str(version), "warnings": len(kept["warnings"])}


def version_split(version: DataSetVersion) -> Split:
    """What a run of the version would train on and be measured by, however few rows it has."""
    return split_rows(version_rows(version), frozen_rows(version.dataset))


def _of_pairs(split: Split, leaking: int) -> dict[str, Any]:
    """What is told of pairs as such: whole rows that repeat, pairs that are said to belong together
    and not to, and texts much alike that are asked about on both sides."""
    counts = statistics([*split.train, *split.held_out])
    wrong, warnings = counts["contradictions"], []
    if wrong:
        told = Wording(
            "%(pairs)s pairs of texts are said to belong together and not to.", pairs=wrong
        )
        warnings.append(told)
    if leaking:
        warnings.append(near_pairs_span(leaking))
    return {
        "rows": {"train": len(split.train), "valid": len(split.held_out)},
        "repeats": counts["repeats"],
        "conflicts": wrong,
        "warnings": warnings,
    }


def _written(path: Path, rows: Sequence[Row]) -> Path:
    """The rows in a file, each at its line; of pairs the text that is asked about, once, since it
    is that which must not be on both sides."""
    seen: set[str] = set()
    lines = []
    for row in rows:
        again = isinstance(row, PairRow) and text_key(row.text) in seen
        seen.add(text_key(text_of(row)))
        lines.append("" if again else json.dumps(_record(row)))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _record(row: Row) -> dict[str, Any]:
    return {"text": row.text, "label": "pair"} if isinstance(row, PairRow) else record_of(row)


def _tools(report: Report) -> TextTools:
    """Those of the active encoder; without one there are no suspect labels."""
    try:
        encoder = gateway.load_version("encoder", threads=1)
    except ModelNotFound:
        return TextTools()
    folder = settings.ML_MODELS_DIR / "encoder" / encoder.info.version
    return encoder_tools(cast(Encoder, encoder), folder / TOKENIZER, report)


def _without_texts(found: dict[str, Any]) -> dict[str, Any]:
    leakage, noise, odd = found["leakage"], found.get("label_noise"), found.get("odd_mentions")
    return {
        "rows": {name: size["rows"] for name, size in found["files"].items()},
        "warnings": found["warnings"],
        "repeats": found["exact_duplicates"]["surplus_rows"],
        "near": found["near_duplicates"]["pairs"],
        "conflicts": found["conflicts"]["groups"],
        "leaking": leakage["near_pairs"],
        "leaks": [
            {"first": _place(pair["first"]), "second": _place(pair["second"])}
            for pair in leakage["near"][:SHOWN]
        ],
        "judged": noise["judged"] if noise else None,
        "suspect": noise["suspects"] if noise else 0,
        "suspects": [
            {"place": _place(row), "suggested": row["suggested"], "other": row["other"]}
            for row in (noise["examples"] if noise else [])
        ],
        "odd": odd["mentions"] if odd else 0,
        "odd_mentions": [
            {
                "place": _place(row),
                "label": row["label"],
                "usual": row["usual"],
                "share": row["share"],
            }
            for row in (odd["examples"] if odd else [])
        ],
    }


def _place(row: dict[str, Any]) -> list[Any]:
    return [row["file"], row["row"]]
