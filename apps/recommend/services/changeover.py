"""From the vectors of one version of the encoder to those of the next.

Vectors of two versions say nothing of one another. So the next version's are made beside those that
answer, and take their place in one transaction once every item has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from apps.recommend.models import Catalogue, ComingVector, Item, vector_to_bytes
from ml.types import Embedding


def answering_encoder(catalogue: str) -> str:
    """The version whose vectors answer, empty while there are none.

    A catalogue that does not name it yet has the version of most of its items.
    """
    named = Catalogue.objects.filter(name=catalogue).values_list("encoder", flat=True).first()
    if named:
        return named
    known = Item.objects.filter(vector__isnull=False, deleted_at=None).values("encoder_version")
    most = known.annotate(n=Count("id")).order_by("-n").first()
    return most["encoder_version"] if most else ""


def waiting_items(version: str) -> QuerySet[Item]:
    """Items that have no vector of their present text by the coming ``version``."""
    made = ComingVector.objects.filter(encoder_version=version, text_hash=F("item__text_hash"))
    return Item.objects.filter(deleted_at=None).exclude(pk__in=made.values("item_id"))


def coming_store(*, items: Sequence[Item], embeddings: Sequence[Embedding]) -> None:
    """Keep vectors of the coming version beside those that answer."""
    rows = [
        ComingVector(
            item_id=item.pk,
            encoder_version=embedding.version,
            text_hash=item.text_hash,
            vector=vector_to_bytes(embedding.vector),
        )
        for item, embedding in zip(items, embeddings, strict=True)
    ]
    ComingVector.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["encoder_version", "text_hash", "vector"],
    )


def coming_drop(*, keep: str = "") -> None:
    """Delete the vectors of versions that do not come any more, all but those of ``keep``."""
    rows = ComingVector.objects.exclude(encoder_version=keep)
    if rows.exists():
        rows.delete()


def changeover_finish(*, catalogue: str, version: str, revise: Callable[[], int]) -> bool:
    """Let the vectors of ``version`` answer, if each item has one; whether they do.

    ``revise`` takes the catalogue's next revision, which lets one writer after the other in: no
    text can change between the look and the change.
    """
    with transaction.atomic():
        revision = revise()
        if waiting_items(version).exists():
            return False
        coming = ComingVector.objects.filter(item_id=OuterRef("pk"))
        Item.objects.filter(deleted_at=None).update(
            vector=Subquery(coming.values("vector")[:1]),
            vector_hash=F("text_hash"),
            encoder_version=version,
            revision=revision,
        )
        # Brought back, they are read anew.
        Item.objects.filter(deleted_at__isnull=False).update(
            vector=None, vector_hash="", encoder_version="", revision=revision
        )
        Catalogue.objects.filter(name=catalogue).update(encoder=version)
        ComingVector.objects.all().delete()
    return True
