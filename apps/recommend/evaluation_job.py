"""The job that measures the recommender on the own catalogue, in a process of its own.

Training takes memory and cannot be interrupted from inside; a process is stopped when the job is
cancelled, and gives all of it back.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from apps.core.errors import InvalidInput, NotAllowed, Problem
from apps.core.jobs import ProgressReporter, job_start
from apps.core.models import Job
from apps.recommend.models import Interaction, Item
from apps.recommend.rows import INTERACTION_COLUMNS, ITEM_COLUMNS
from ml.wording import Wording

EVALUATE = "recommend.evaluate"
PROTOCOLS = ("temporal", "global-temporal", "leave-last-out")
LEAST_INTERACTIONS = 50
_LOOK_SECONDS = 0.5


def evaluation_start(*, actor: Any, protocol: str) -> Job:
    """Start measuring; raises ``NotAllowed`` for all but administrators, and ``InvalidInput`` for
    another protocol or too little behaviour."""
    if not actor.has_perm("recommend.manage"):
        raise NotAllowed("Only administrators measure the recommender.")
    if protocol not in PROTOCOLS:
        raise InvalidInput(
            "protocol is one of %(protocols)s.",
            code="invalid_protocol",
            protocols=", ".join(PROTOCOLS),
        )
    known = Interaction.objects.count()
    if known < LEAST_INTERACTIONS:
        raise InvalidInput(
            "There are %(known)s interactions; measuring needs %(least_interactions)s.",
            code="too_little_behaviour",
            known=known,
            least_interactions=LEAST_INTERACTIONS,
        )
    return job_start(
        kind=EVALUATE,
        title=gettext("Evaluate the recommender (%(protocol)s)") % {"protocol": protocol},
        owner=actor,
        arguments={"protocol": protocol},
    )


def evaluate(progress: ProgressReporter, *, protocol: str) -> dict[str, Any]:
    """Write the catalogue and what readers did to files and measure on them."""
    with tempfile.TemporaryDirectory(prefix="evaluation-", dir=settings.VAR_DIR) as held:
        items, interactions = Path(held) / "items.csv", Path(held) / "interactions.csv"
        progress.update(0, 0, Wording("writing the catalogue"))
        _write_items(items)
        _write_interactions(interactions)
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "evaluate_recommender"]
        command += ["--items", str(items), "--interactions", str(interactions)]
        return _run([*command, "--protocol", protocol], Path(held) / "log.txt", progress)


def _run(command: list[str], log: Path, progress: ProgressReporter) -> dict[str, Any]:
    started = time.monotonic()
    with log.open("wb") as told:
        child = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=settings.BASE_DIR, stdout=told, stderr=subprocess.STDOUT
        )
        try:
            while child.poll() is None:
                seconds = int(time.monotonic() - started)
                progress.update(0, 0, Wording("measuring, %(seconds)s s so far", seconds=seconds))
                time.sleep(_LOOK_SECONDS)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    if child.returncode:
        reason = (lines[-1] if lines else "no reason given")[:400]
        raise Problem("Measuring failed: %(reason)s", reason=reason)
    report = next((line for line in reversed(lines) if line.startswith("report: ")), "")
    return {"report": Path(report.removeprefix("report: ")).stem}


def _write_items(path: Path) -> None:
    rows = Item.objects.filter(deleted_at=None).order_by("id")
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(ITEM_COLUMNS)
        for name, title, text, tags in rows.values_list(
            "external_id", "title", "text", "tags"
        ).iterator():
            writer.writerow([name, title, text, "|".join(tags)])


def _write_interactions(path: Path) -> None:
    # Readers go by number: who they are is of no use to a measurement.
    rows = Interaction.objects.filter(item__deleted_at=None, counts=True).order_by("id")
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(INTERACTION_COLUMNS)
        for reader, item, kind, value, at in rows.values_list(
            "reader_id", "item__external_id", "kind", "value", "at"
        ).iterator():
            writer.writerow([reader, item, kind, "" if value is None else value, at.isoformat()])
