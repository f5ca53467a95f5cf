"""Answers of other kinds as the classifications that occlusion reads.

The probabilities do not sum to 1: several labels each have their own, and an entity has the score
that the tagger gives it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml.errors import DataError
from ml.types import Classification, Entity, MultiLabel, Prediction, ScoredLabel, Tagging


def as_classes(found: Sequence[Prediction]) -> list[Classification]:
    """The predictions of a text and of parts of it, the whole first.

    Of a tagging the entities of the whole text are what is looked for in its parts. Raises
    :class:`DataError` for a whole without an entity, and for predictions of another kind.
    """
    whole = found[0]
    if isinstance(whole, Tagging):
        if not whole.entities:
            raise DataError("text", None, "has no entity to explain")
        return [_of_tagging(one, whole.entities) for one in found if isinstance(one, Tagging)]
    return [_of_labels(one) for one in found]


def entity_label(entity: Entity) -> str:
    """What an entity is called as the label of an explanation."""
    return f"{entity.text} {entity.label}"


def _of_labels(one: Prediction) -> Classification:
    if isinstance(one, Classification):
        return one
    if isinstance(one, MultiLabel):
        return Classification(one.scores, None, bool(one.labels), True, one.version, one.truncated)
    raise DataError("text", None, "was given no label that could be explained")


def _of_tagging(one: Tagging, wanted: Sequence[Entity]) -> Classification:
    scores = {entity_label(entity): _score(one, entity) for entity in wanted}
    found = sorted((ScoredLabel(*pair) for pair in scores.items()), key=lambda one: -one.score)
    return Classification(tuple(found), None, True, True, one.version, one.truncated)


def _score(tagging: Tagging, wanted: Entity) -> float:
    """The score of the entity, or of what is left of it, in a part of the text; 0 without."""
    return max(
        (
            one.score
            for one in tagging.entities
            if one.label == wanted.label and (one.text in wanted.text or wanted.text in one.text)
        ),
        default=0.0,
    )
