"""Reads of reports on versions of data sets, with the rows that a person may see."""

from __future__ import annotations

import json
from typing import Any

from apps.core.models import Job
from apps.core.wording import said
from apps.modelhub.files import report_path
from apps.modelhub.models import DataSetVersion
from apps.modelhub.services.data_reports import REPORT_JOB, version_split
from apps.modelhub.shown_rows import ShownRow, shown_row
from apps.modelhub.sight import seen_rows
from ml.wording import Wording


def report_job(*, version: DataSetVersion) -> Job | None:
    """The last job that makes or made a report on the version."""
    jobs = Job.objects.filter(kind=REPORT_JOB, arguments__version_id=version.pk)
    return jobs.order_by("-created_at").first()


def report_get(*, version: DataSetVersion, person: Any) -> dict[str, Any] | None:
    """The report on a version, its rows as they are shown, its warnings in the language of the
    moment; ``None`` before there is one.

    Rows that the person may not read are left out, and counted in the numbers all the same.
    """
    path = report_path(version.sha256, version.dataset.frozen)
    if not path.is_file():
        return None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    # A report from before parts were kept has its warnings in English alone.
    if (parts := report.pop("warnings_parts", None)) is not None:
        report["warnings"] = [said(Wording.of(one)) for one in parts]
    rows = _Rows(version, person)
    report["leaks"] = [
        {"first": first, "second": second}
        for pair in report["leaks"]
        if (first := rows.at(pair["first"])) and (second := rows.at(pair["second"]))
    ]
    for name in ("suspects", "odd_mentions"):
        report[name] = [
            {**one, "row": row} for one in report[name] if (row := rows.at(one["place"]))
        ]
    return report


class _Rows:
    """The rows of a version by their place in a report."""

    def __init__(self, version: DataSetVersion, person: Any) -> None:
        split = version_split(version)
        self._files = {"train": split.train, "valid": split.held_out}
        everything = [*split.train, *split.held_out]
        self._seen = {id(row) for row in seen_rows(person, everything)}

    def at(self, place: list[Any]) -> ShownRow | None:
        name, number = place
        row = self._files[name][number - 1]
        return shown_row(row) if id(row) in self._seen else None
