"""What an encoder lends to the data report: sentence vectors and token counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ml.data.encoding import load_tokenizer
from ml.data.text import normalise
from ml.data.unknown_tokens import sampled_share
from ml.types import FloatArray

Report = Callable[[int, int, str], None]
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class TextTools:
    """``embed``: texts to vectors, shape (texts, dimensions); ``count_tokens``: texts to the
    number of tokens of each; ``unknown_share``: texts to the share of their tokens that the encoder
    does not know. The report leaves out what needs one that is missing."""

    embed: Callable[[Sequence[str]], FloatArray] | None = None
    count_tokens: Callable[[Sequence[str]], list[int]] | None = None
    unknown_share: Callable[[Sequence[str]], float] | None = None


class Encoder(Protocol):
    """A predictor of the kind ``embedding``."""

    def predict(self, texts: Sequence[str]) -> list[Any]: ...


def encoder_tools(
    encoder: Encoder, tokenizer_file: Path, report: Report = lambda done, total, title: None
) -> TextTools:
    """The tools of a served sentence encoder and its tokenizer."""
    tokenizer = load_tokenizer(tokenizer_file)

    def embed(texts: Sequence[str]) -> FloatArray:
        vectors: list[FloatArray] = []
        for start in range(0, len(texts), _CHUNK):
            vectors += [one.vector for one in encoder.predict(texts[start : start + _CHUNK])]
            report(len(vectors), len(texts), "sentence vectors")
        return np.stack(vectors)

    def count_tokens(texts: Sequence[str]) -> list[int]:
        encodings = tokenizer.encode_batch([normalise(text) for text in texts])
        return [len(encoding.ids) for encoding in encodings]

    return TextTools(embed, count_tokens, lambda texts: sampled_share(texts, tokenizer))
