"""Brings differently annotated NER sets to one label set: PER, ORG, LOC.

What a set annotates beyond the three is left out of the labels where it names something else
(products, works, nationalities), because in every set such words are then plain words.
WNUT17's ``group`` (bands, teams, agencies) counts as an organisation, as the other sets have it.
"""

from __future__ import annotations

from ml.data.readers import TaggedSentence

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

_LABELS = {
    "PER": "PER",
    "PERSON": "PER",
    "ORG": "ORG",
    "ORGANIZATION": "ORG",
    "CORPORATION": "ORG",
    "GROUP": "ORG",
    "LOC": "LOC",
    "LOCATION": "LOC",
    "GPE": "LOC",
}


def to_shared_labels(sentence: TaggedSentence) -> TaggedSentence:
    """The sentence with the tags of ``TAGS`` only."""
    tags = []
    for tag in sentence.tags:
        label = _LABELS.get(tag[2:].upper())
        tags.append(f"{tag[:2]}{label}" if label else "O")
    return TaggedSentence(sentence.tokens, tuple(tags), sentence.row)
