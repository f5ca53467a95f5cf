"""The pairs of an embedding run: read, split by text, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml.data.pairs import Pair, PairRow, make_pairs, read_pairs
from ml.data.splits import split_by_text, text_key
from ml.errors import DataError, TrainingError
from ml.training.rows import FinetuneRequest
from ml.wording import Wording


@dataclass(frozen=True, slots=True)
class PairData:
    """Pairs to train on and to measure on, and the texts whose vectors are to stay."""

    training: list[Pair]
    valid: list[Pair]
    kept: list[str]


def pair_rows(request: FinetuneRequest) -> tuple[list[PairRow], list[PairRow]]:
    """Training and validation rows as read; texts that are to stay are all in the first.

    Raises :class:`DataError` for an unusable row or a training file without any.
    """
    training = list(read_pairs(request.train_file, columns=request.columns))
    if not training:
        raise DataError(request.train_file, None, Wording("has no rows to train on"))
    if request.valid_file is not None:
        return training, list(read_pairs(request.valid_file, columns=request.columns))
    asked, valid = split_by_text(
        [row for row in training if not row.keep],
        held_out=request.config.held_out,
        seed=request.config.seed,
        key=lambda row: text_key(row.text),
        stratum=lambda row: row.label or "",
        group=(lambda row: row.group) if any(row.group for row in training) else None,
    )
    return [*asked, *(row for row in training if row.keep)], valid


def embedding_pairs(request: FinetuneRequest) -> PairData:
    """The rows of a run; no text that is asked about in validation is trained on, in whatever part.

    Positives such as articles may be in both. Raises :class:`DataError` or
    :class:`TrainingError` when there is too little to learn from or to measure on.
    """
    seed = request.config.seed
    training, valid = pair_rows(request)
    unseen = _unseen(training, valid)
    pairs = make_pairs(unseen, seed=seed)
    _check_enough(request, training, pairs)
    held_out = make_pairs(valid, seed=seed)
    if not held_out:
        raise DataError(
            request.valid_file or request.train_file, None, Wording("leaves no validation pairs")
        )
    kept = dict.fromkeys(row.text for row in unseen if row.keep)
    return PairData(pairs, held_out, list(kept))


def _unseen(training: Sequence[PairRow], valid: Sequence[PairRow]) -> list[PairRow]:
    seen = {text_key(row.text) for row in valid}
    groups = {row.group for row in valid} - {""}
    return [
        replace(row, negative=None)
        if row.negative is not None and text_key(row.negative) in seen
        else row
        for row in training
        if text_key(row.text) not in seen
        and row.group not in groups
        and (row.positive is None or text_key(row.positive) not in seen)
    ]


def _check_enough(request: FinetuneRequest, rows: Sequence[PairRow], pairs: Sequence[Pair]) -> None:
    file = request.train_file
    if not pairs:
        raise TrainingError(
            Wording(
                "%(file)s has no pairs to train on: no label has two texts, or all are held out",
                file=file,
            )
        )
    if len(pairs) == 1 and pairs[0].negative is None:
        raise TrainingError(
            Wording(
                "%(file)s has one pair to train on (row %(row)s); two are needed, since each "
                "text is told apart from what belongs to another",
                file=file,
                row=rows[0].row,
            )
        )
    if request.config.batch_size == 1 and all(pair.negative is None for pair in pairs):
        raise TrainingError(
            Wording(
                "batch_size = 1 leaves a text nothing to be told apart from, as %(file)s has no "
                "negatives; two or more are needed",
                file=file,
            )
        )
    groups = {pair.group for pair in pairs}
    if len(groups) == 1 and all(pair.negative is None for pair in pairs):
        kind, _, name = groups.pop().partition(" ")
        raise TrainingError(
            Wording(
                "%(file)s has the one %(kind)s %(name)r; all texts belong together, so that "
                "nothing can be told apart: two are needed",
                file=file,
                kind=kind,
                name=name,
            )
        )
