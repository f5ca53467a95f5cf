"""What the team says of matches: whether an item fits a query, or another item.

A judgement is a labelled example of the encoder. What readers do is none: they see what the
recommender chose to show, and a click says little of what two texts mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import InvalidInput, NotAllowed
from apps.modelhub.models import LabelledExample
from apps.modelhub.origins import mark_of
from apps.modelhub.pair_sources import Judged
from apps.modelhub.services import MAX_TEXT, example_add, example_undo, examples_said_by
from apps.recommend import index, selectors
from apps.recommend.meaning import encode_for
from apps.recommend.models import Item
from apps.recommend.search import LEAST_COSINE, MAX_QUERY
from apps.recommend.services.catalogue import ENCODER
from ml.data.splits import text_key
from ml.ranking.interactions import item_text

FITS, DOES_NOT_FIT = "fits", "does_not_fit"
APP = LabelledExample.App.DISCOVER


@dataclass(frozen=True, slots=True)
class Asked:
    """What items are judged against: a query, or an item ``of``."""

    query: str = ""
    of: Item | None = None

    def subject(self, item_pk: int) -> str:
        """The name under which judgements of the two are stored; of two items it is the same
        whichever was looked at."""
        if self.of is not None:
            first, second = sorted((self.of.pk, item_pk))
            return f"discover.items.{first}.{second}"
        digest = hashlib.sha256(text_key(self.query).encode()).hexdigest()[:24]
        return f"discover.query.{digest}.{item_pk}"


def asked(*, query: str = "", of: str = "") -> Asked:
    """What is judged against; raises ``InvalidInput`` for neither or both, ``NotFound``."""
    query = " ".join(query.replace("\x00", " ").split())
    if bool(query) == bool(of):
        raise InvalidInput(
            "Name a query or an item that it is judged against, one of the two.",
            fields={"query": "one of query and of", "of": "one of query and of"},
        )
    if len(query) > MAX_QUERY:
        raise InvalidInput(
            "The query has %(number)s characters; %(max_query)s are allowed.",
            fields={"query": "too long"},
            number=f"{len(query):,}",
            max_query=MAX_QUERY,
        )
    return Asked(of=selectors.item_get(external_id=of)) if of else Asked(query=query)


def match_say(*, actor: Any, against: Asked, item_id: str, fits: bool) -> LabelledExample:
    """Say whether an item fits; replaces what this person said of the two before.

    Raises ``NotAllowed``, ``NotFound`` for an unknown item, ``InvalidInput`` for an item beside
    itself, and ``Problem`` while the encoder is away.
    """
    _check(actor)
    item = selectors.item_get(external_id=item_id)
    if against.of is not None and against.of.pk == item.pk:
        raise InvalidInput("An item is not judged beside itself.", fields={"item_id": "the same"})
    similarity, version = _similarity(against, item)
    provenance: dict[str, Any] = {"item": item.external_id, "title": item.title}
    if against.of is not None:
        provenance["of"] = against.of.external_id
    else:
        provenance["query"] = against.query
    if similarity is not None:
        provenance["similarity"] = round(similarity, 4)
    found = similarity is not None and similarity > LEAST_COSINE
    return example_add(
        app=APP,
        task=ENCODER,
        text=against.query or _text(against.of)[:MAX_TEXT],
        old_label=FITS if found else DOES_NOT_FIT,
        new_label=FITS if fits else DOES_NOT_FIT,
        model_version=version,
        actor=actor,
        subject=against.subject(item.pk),
        provenance=provenance,
    )


def match_undo(*, actor: Any, against: Asked, item_id: str) -> None:
    """Take back what one said of the two; raises ``NotFound`` if that is nothing."""
    _check(actor)
    item = selectors.item_get(external_id=item_id)
    example_undo(task=ENCODER, subject=against.subject(item.pk), actor=actor)


def matches_said(*, actor: Any, against: Asked, item_pks: Sequence[int]) -> dict[int, str]:
    """What this person said of the items, by their keys."""
    subjects = {against.subject(pk): pk for pk in item_pks}
    said = examples_said_by(task=ENCODER, subjects=list(subjects), actor=actor)
    return {subjects[subject]: label for subject, label in said.items()}


def judged(examples: Sequence[LabelledExample]) -> list[Judged]:
    """What judgements say of the texts of items as they are now; of items gone nothing."""
    names = {one.provenance.get(key) for one in examples for key in ("item", "of")} - {None}
    items = {
        item.external_id: item
        for item in Item.objects.filter(external_id__in=names, deleted_at=None).defer("vector")
    }
    found = []
    for one in examples:
        item, of = items.get(one.provenance.get("item")), one.provenance.get("of")
        text = one.provenance.get("query") or (_text(items[of]) if of in items else "")
        if item is not None and text and one.new_label in (FITS, DOES_NOT_FIT):
            fits = one.new_label == FITS
            group = mark_of(one.app, one.provenance)
            found.append(Judged(text, _text(item), fits, source=one.app, group=group))
    return found


def _check(actor: Any) -> None:
    if not actor.has_perm("recommend.judge"):
        raise NotAllowed("Only team leads and administrators say what fits.")


def _text(item: Item | None) -> str:
    return item_text(item.title, item.text, item.tags) if item is not None else ""


def _similarity(against: Asked, item: Item) -> tuple[float | None, str]:
    """The cosine of the two by the vectors that answer now, and the version that made them;
    ``None`` for an item that has none."""
    catalogue = index.snapshot()
    at = catalogue.positions.get(item.pk)
    if at is None or not catalogue.matrix[at].any():
        return None, catalogue.encoder
    if against.of is None:
        (embedding,) = encode_for(catalogue, [against.query])
        return float(catalogue.matrix[at] @ embedding.vector), catalogue.encoder
    other = catalogue.positions.get(against.of.pk)
    if other is None or not catalogue.matrix[other].any():
        return None, catalogue.encoder
    return float(catalogue.matrix[at] @ catalogue.matrix[other]), catalogue.encoder
