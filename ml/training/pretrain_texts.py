"""The raw texts of a pre-training run: read, told apart, split and encoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from ml.data.columns import Columns
from ml.data.encoding import encode_texts
from ml.data.readers import read_texts
from ml.data.splits import drop_repeats, split_by_text, text_key
from ml.errors import DataError
from ml.training.datasets import EncodedRow

FEWEST = 20
_ENCODE_CHUNK = 512


def raw_texts(
    file: Path, valid: Path | None, *, held_out: float, seed: int, columns: Columns | None = None
) -> tuple[list[str], list[str]]:
    """The different texts to learn from, and those to measure by: ``valid``'s, or a share.
    ``columns`` are those of the files that are called otherwise (:mod:`ml.data.columns`).

    No text is in both. Raises :class:`DataError` for an unusable row or file, and for fewer than
    twenty texts.
    """
    texts = drop_repeats(read_texts(file, columns), key=text_key)
    if valid is not None:
        measuring = drop_repeats(read_texts(valid, columns), key=text_key)
        known = {text_key(text) for text in measuring}
        texts = [text for text in texts if text_key(text) not in known]
    else:
        texts, measuring = split_by_text(texts, held_out=held_out, seed=seed, key=text_key)
    if len(texts) < FEWEST:
        raise DataError(
            file, None, f"has {len(texts)} different texts to learn from; {FEWEST} are needed"
        )
    if not measuring:
        raise DataError(valid or file, None, "leaves no held-out texts")
    return texts, measuring


def encoded(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> list[EncodedRow]:
    """The texts as rows of at most ``max_length`` tokens; a long text has several, all of it."""
    rows = []
    for start in range(0, len(texts), _ENCODE_CHUNK):
        chunk = texts[start : start + _ENCODE_CHUNK]
        batch = encode_texts(tokenizer, chunk, max_length=max_length, long_texts="windows")
        lengths = batch.attention_mask.sum(axis=1)
        rows += [
            EncodedRow(ids[:length].tolist(), 0)
            for ids, length in zip(batch.input_ids, lengths, strict=True)
        ]
    return rows
