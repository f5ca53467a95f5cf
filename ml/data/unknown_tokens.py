"""How much of the texts an encoder's tokenizer cannot read at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from ml.data.text import normalise
from ml.wording import Wording

WORTH_TELLING = 0.05
"""The share of unknown tokens from which on a person should hear of it: in texts of the encoder's
language a rare sign here and there is unknown."""

_NAMES = ("[UNK]", "<unk>")
_SAMPLED = 1000
"""Texts that are looked at; they are taken from all over the file, which may be in an order."""


def unknown_share(texts: Iterable[str], tokenizer: Tokenizer) -> float:
    """The share, from 0 to 1, of the texts' tokens that stand for what the tokenizer does not know.

    All of these are one token to the encoder, so that texts which differ in them alone are the same
    to it. Tokenizers of bytes know everything. 0 where there are no tokens.
    """
    unknown = {tokenizer.token_to_id(name) for name in _NAMES} - {None}
    found = [
        token in unknown
        for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)
        for token in encoding.ids
    ]
    return sum(found) / len(found) if found else 0.0


def sampled_share(texts: Sequence[str], tokenizer: Tokenizer) -> float:
    """:func:`unknown_share` of some of the texts, as encoders read them."""
    step = max(1, -(-len(texts) // _SAMPLED))
    return unknown_share((normalise(text) for text in texts[::step]), tokenizer)


def unknown_words(texts: Sequence[str], tokenizer: Tokenizer, encoder: str) -> Wording | None:
    """What a person should know before the encoder of that name is trained on the texts; ``None``
    where it knows their words: it would learn all the same, and nothing else would say why so
    little comes of it."""
    share = sampled_share(texts, tokenizer)
    if share < WORTH_TELLING:
        return None
    return Wording(
        "The encoder %(encoder)s does not know %(share)s of the tokens of the training texts, and "
        "reads all of these alike; choose one for the language of the texts as base (encoder in a "
        "recipe).",
        encoder=Path(encoder).name if Path(encoder).is_dir() else encoder,
        share=f"{share:.0%}",
    )
