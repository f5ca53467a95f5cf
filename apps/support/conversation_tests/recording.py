"""Keeps what the bot did in each run, a file for each set of models, and tells what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.support.conversation_tests.playing import Outcome
from ml.errors import DataError

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A conversation that went otherwise than before; ``kind``: broken, mended, differs, new."""

    kind: str
    name: str
    before: str
    after: str


def record_of(outcomes: Sequence[Outcome], models: Mapping[str, str]) -> Record:
    """The run as it is kept: for each conversation whether it passed and what the bot did."""
    conversations = {
        outcome.name: {
            "passed": outcome.passed,
            "turns": [
                {"action": turn.action, "cites": list(turn.cites), "offers": list(turn.offers)}
                for turn in outcome.turns
            ],
        }
        for outcome in outcomes
    }
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"models": dict(models), "at": at, "conversations": conversations}


def record_store(folder: Path, record: Record) -> Path:
    """Write the run, in place of the last one with the same models."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{_digest(record['models'])}.json"
    draft = file.with_suffix(".part")
    draft.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    draft.replace(file)
    return file


def record_before(folder: Path, models: Mapping[str, str]) -> Record | None:
    """The latest run with other models; if there is none, the last one with the same."""
    records = [record_read(file) for file in sorted(folder.glob("*.json"))]
    others = [record for record in records if record["models"] != dict(models)]
    return max(others or records, key=lambda record: str(record["at"]), default=None)


def record_read(file: Path) -> Record:
    """A run that was kept; raises :class:`DataError` if the file is not one."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        for conversation in record["conversations"].values():
            bool(conversation["passed"]), list(conversation["turns"])
        dict(record["models"]), str(record["at"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(file, None, "is not a recorded run of conversation tests") from error
    return dict(record)


def changes(before: Record, after: Record) -> list[Change]:
    """Conversations that broke, were mended, or went another way, in this order."""
    found = []
    for name, now in after["conversations"].items():
        then = before["conversations"].get(name)
        if then is None:
            kind = "new"
        elif then["passed"] != now["passed"]:
            kind = "mended" if now["passed"] else "broken"
        elif then["turns"] != now["turns"]:
            kind = "differs"
        else:
            continue
        found.append(Change(kind, name, _told(then), _told(now)))
    order = ("broken", "mended", "differs", "new")
    return sorted(found, key=lambda change: (order.index(change.kind), change.name))


def changes_as_dicts(found: Sequence[Change]) -> list[dict[str, str]]:
    return [asdict(change) for change in found]


def _told(conversation: Mapping[str, Any] | None) -> str:
    """The turns in one line: ``answer change-pin, chat``."""
    if conversation is None:
        return ""
    return ", ".join(
        " ".join([turn["action"], *turn["cites"], *turn["offers"]])
        for turn in conversation["turns"]
    )


def _digest(models: Mapping[str, str]) -> str:
    """Names a set of models: the same versions, the same name."""
    return hashlib.sha256(json.dumps(sorted(models.items())).encode()).hexdigest()[:12]
