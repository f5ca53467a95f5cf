"""A report's folder: written as a whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml.errors import DataError
from ml.outputs import check_output, staged_folder
from ml.reports.pages import render

PAGE = "report.html"
NUMBERS = "report.json"


def write_report(
    folder: Path, page: str, numbers: dict[str, Any], curves: dict[str, Any] | None = None
) -> None:
    """Write ``report.html`` and ``report.json`` into ``folder``, which is new or empty.

    ``page`` is a template of ``ml/reports/templates``: a kind of task, data or learning_rate.
    Nothing is left behind when the writing fails; raises :class:`ArtifactError` if something is in
    the folder, or the disk does not take it, and :class:`DataError` for any other reason.
    """
    check_output(folder)
    content = {**numbers, "curves": curves or {}}
    html = render(page, content)
    try:
        with staged_folder(folder.absolute()) as staging:
            (staging / PAGE).write_text(html, encoding="utf-8")
            text = json.dumps(content, ensure_ascii=False, indent=1, default=str)
            (staging / NUMBERS).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(folder, None, f"cannot be written ({error.strerror})") from error
