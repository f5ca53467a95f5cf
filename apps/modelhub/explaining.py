"""Why a model answered as it did, for the ``explain`` command, the API and the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.jobs import ProgressReporter
from apps.modelhub import selectors
from ml.data.columns import Columns
from ml.data.readers import LabelledText
from ml.data.row_kinds import read_rows, shown, text_of, value_of
from ml.errors import DataError, ModelNotFound
from ml.explain.as_classes import as_classes
from ml.explain.attribution import Attribution, Explanation
from ml.explain.faithfulness import faithfulness
from ml.explain.neighbours import nearest_examples
from ml.explain.occlusion import occlude
from ml.types import Classification
from ml.wording import Wording

EXPLAINED = ("classification", "multi_label", "ner")
METHODS = ("occlusion", "gradients")
MAX_CHARACTERS = 2_000
LEVELS = 5
_STRONGEST = 3
_SHOWN = 0.02  # of the largest score; smaller ones stay plain


def explained_tasks() -> list[str]:
    """The tasks whose active models give labels, which can be explained; sorted."""
    return sorted(info.task for info in gateway.models() if info.kind in EXPLAINED)


def explain(*, task: str, text: str, label: str | None = None) -> dict[str, Any]:
    """What each word of ``text`` adds to the answer of the active model, by occlusion.

    Of several labels and of entities ``label`` says which one; else it is the likeliest. Asks the
    engine, within its limits. Raises ``Problem``: a text that is empty or too long, a task that
    gives no labels, an unknown label, a busy or missing model.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            "Explain a text of at most %(max_characters)s characters.",
            max_characters=f"{MAX_CHARACTERS:,}",
        )
    kinds = {info.task: info.kind for info in gateway.models()}
    if kinds.get(task, "classification") not in EXPLAINED:
        raise InvalidInput("%(task)s gives no labels; there is nothing to explain.", task=task)
    try:
        found = occlude(
            lambda texts: as_classes(gateway.predict(task, texts, observed=False)),
            text,
            label=label,
        )
    except DataError as error:
        raise InvalidInput(f"{error}.") from error
    return {"task": task, **explanation_payload(found)}


def explain_version(
    *, task: str, version: str | None, text: str, label: str | None, method: str
) -> dict[str, Any]:
    """Like :func:`explain`, apart from the engine and with the faithfulness of the explanation.

    ``method`` "gradients" reads the trained artifact with torch, so it is for commands and
    workers, and for labels of whole texts. Raises ``MLError`` or ``Problem``.
    """
    predictor: Any = gateway.load_version(task, version)
    _check_kind(task, predictor.info.kind, method)

    def classify(texts: Sequence[str]) -> list[Classification]:
        return as_classes(predictor.predict(texts))

    if method == "gradients":
        from ml.explain.gradients import IntegratedGradients

        folder = trained_folder(task, predictor.info.version)
        found = IntegratedGradients(folder, task).explain(text, label=label)
    else:
        found = occlude(classify, text, label=label)
    measured = faithfulness(classify, found.text, found)
    return {
        **explanation_payload(found),
        "faithfulness": {
            "curve": [round(value, 4) for value in measured.curve],
            "area": round(measured.area, 4),
            "random_area": round(measured.random_area, 4),
            "gain": round(measured.gain, 4),
            "comprehensiveness": round(measured.comprehensiveness, 4),
            "sufficiency": round(measured.sufficiency, 4),
        },
    }


def neighbours(
    *,
    task: str,
    version: str | None,
    text: str,
    file: Path,
    progress: ProgressReporter,
    columns: Columns | None = None,
) -> list[dict[str, Any]]:
    """The rows of the labelled ``file`` that the model holds to be most like ``text``.

    Raises ``Problem`` for a task whose model has no vector of a whole text.
    """
    predictor: Any = gateway.load_version(task, version)
    kind = predictor.info.kind
    if kind == "ner":
        raise InvalidInput(
            "%(task)s tags words and has no vector of a text to compare by.", task=task
        )
    rows = [
        LabelledText(text_of(row), shown(row, value_of(row)), row.row)
        for row in read_rows(file, kind, columns=columns, task=task)
    ]
    found = nearest_examples(predictor.vectors, text, rows, progress=progress.update)
    return [
        {"text": one.text, "label": one.label, "row": one.row, "cosine": round(one.cosine, 4)}
        for one in found
    ]


def trained_folder(task: str, version: str) -> Path:
    """The folder of the trained artifact of a version; raises ``ModelNotFound`` without one."""
    for folder in selectors.artifact_folders(task, version):
        if folder.is_dir():
            return folder
    raise ModelNotFound(
        Wording(
            "%(task)s: the trained weights of %(version)s are not on this machine",
            task=task,
            version=version,
        )
    )


def _check_kind(task: str, kind: str, method: str) -> None:
    if kind not in EXPLAINED:
        raise InvalidInput("%(task)s gives no labels; there is nothing to explain.", task=task)
    if kind == "ner" and method == "gradients":
        raise InvalidInput(
            "%(task)s tags words; what finds an entity is explained by occlusion.", task=task
        )


def explanation_payload(found: Explanation) -> dict[str, Any]:
    """An explanation as JSON; ``level`` is a piece's strength from -5 (against) to 5 (for)."""
    largest = max(abs(piece.score) for piece in found.pieces)
    return {
        "label": found.label,
        "confidence": found.confidence,
        "method": found.method,
        "version": found.version,
        "text": found.text,
        "pieces": [
            {
                "text": piece.text,
                "start": piece.start,
                "end": piece.end,
                "score": round(piece.score, 5),
                "level": _level(piece, largest),
            }
            for piece in found.pieces
        ],
    }


def segments(payload: dict[str, Any]) -> dict[str, Any]:
    """An explanation's payload as the page shows it: pieces with what stands between them."""
    shown, at = [], 0
    for piece in payload["pieces"]:
        side = "for" if piece["level"] > 0 else "against"
        before = payload["text"][at : piece["start"]]
        shown.append({**piece, "before": before, "side": side, "strength": abs(piece["level"])})
        at = piece["end"]
    strongest = sorted(shown, key=lambda piece: -abs(piece["score"]))[:_STRONGEST]
    return {
        **payload,
        "segments": shown,
        "rest": payload["text"][at:],
        "strongest": [piece for piece in strongest if piece["level"]],
    }


def _level(piece: Attribution, largest: float) -> int:
    share = piece.score / largest if largest > 0 else 0.0
    if abs(share) < _SHOWN:
        return 0
    return max(1, round(abs(share) * LEVELS)) * (1 if share > 0 else -1)
