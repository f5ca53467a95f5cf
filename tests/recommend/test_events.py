from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import InvalidInput, NotFound
from apps.core.models import Event
from apps.recommend.models import Interaction, Kind, Preference, Reader
from apps.recommend.services import events
from apps.recommend.services.catalogue import item_delete
from apps.recommend.services.events import Recorded
from tests.recommend.factories import ReaderFactory

pytestmark = pytest.mark.usefixtures("books")


def record(reader: Reader, item_id: str = "sea-1", **values: object) -> Recorded:
    given = {"kind": "save", "event_id": "e1", "source": "test", **values}
    return events.interaction_record(reader=reader, item_id=item_id, **given)  # type: ignore[arg-type]


def test_an_event_id_is_stored_once_and_told_once(reader: Reader) -> None:
    assert record(reader).created
    again = record(reader, "sea-2", kind="like")
    assert not again.created
    assert again.interaction.item.external_id == "sea-1"
    assert Event.objects.filter(stream=reader.stream).count() == 1


def test_two_readers_may_use_the_same_event_id(reader: Reader) -> None:
    assert record(reader).created
    assert record(ReaderFactory()).created


def test_the_event_says_why_the_page_changes(reader: Reader) -> None:
    record(reader)
    event = Event.objects.get(stream=reader.stream)
    assert event.payload["words"] == "Updated because you saved The Salt Road"


def test_opinions_replace_each_other(reader: Reader) -> None:
    record(reader, kind="like", event_id="e1")
    record(reader, kind="not_interested", event_id="e2")
    assert [row.kind for row in reader.interactions.all()] == [Kind.NOT_INTERESTED]


def test_a_rating_replaces_a_rating_and_no_other_opinion(reader: Reader) -> None:
    now = timezone.now()
    record(reader, kind="like", event_id="e0")
    record(reader, kind="rating", value=2, event_id="e1", at=now - timedelta(hours=2))
    record(reader, kind="rating", value=5, event_id="e2", at=now - timedelta(hours=1))
    assert not record(
        reader, kind="rating", value=1, event_id="e3", at=now - timedelta(days=1)
    ).created
    assert not record(reader, kind="rating", value=2, event_id="e1").created
    held = reader.interactions.order_by("kind").values_list("kind", "value")
    assert list(held) == [("like", None), ("rating", 5.0)]


def test_an_older_opinion_that_comes_late_or_again_does_not_return(reader: Reader) -> None:
    now = timezone.now()
    record(reader, kind="like", event_id="e1", at=now - timedelta(hours=2))
    record(reader, kind="dislike", event_id="e2", at=now - timedelta(hours=1))
    assert not record(reader, kind="like", event_id="e1").created
    assert not record(reader, kind="like", event_id="e3", at=now - timedelta(hours=3)).created
    assert [row.kind for row in reader.interactions.all()] == [Kind.DISLIKE]
    assert record(reader, kind="like", event_id="e4").created


def test_a_deleted_item_is_told_from_an_unknown_one(reader: Reader) -> None:
    item_delete(external_id="sea-1")
    with pytest.raises(NotFound) as deleted:
        record(reader)
    with pytest.raises(NotFound) as unknown:
        record(reader, "nothing")
    assert (deleted.value.code, unknown.value.code) == ("item_deleted", "item_not_found")
    assert not Interaction.objects.exists()


def test_a_clock_far_in_the_future_is_refused_and_one_nearly_right_is_set_right(
    reader: Reader,
) -> None:
    now = timezone.now()
    with pytest.raises(InvalidInput, match="lies in the future"):
        record(reader, at=(now + timedelta(days=2)).isoformat())
    stored = record(reader, at=(now + timedelta(minutes=1)).isoformat())
    assert stored.interaction.at <= timezone.now()


@pytest.mark.parametrize(
    "values", [{"kind": "stare"}, {"kind": "rating"}, {"event_id": ""}, {"event_id": "x" * 81}]
)
def test_a_bad_event_is_refused(reader: Reader, values: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        record(reader, **values)


def test_undo_takes_an_event_back_and_only_ones_own(reader: Reader) -> None:
    record(reader)
    assert not events.interaction_remove(reader=ReaderFactory(), event_id="e1").removed
    assert events.interaction_remove(reader=reader, event_id="e1").removed
    assert not reader.interactions.exists()


def held(reader: Reader) -> list[tuple[str, str, float | None]]:
    rows = reader.interactions.order_by("event_id")
    return [(row.event_id, row.kind, row.value) for row in rows]


def test_undo_gives_back_step_by_step_what_was_replaced(reader: Reader) -> None:
    now = timezone.now()
    for age, kind in ((3, "like"), (2, "dislike"), (1, "not_interested")):
        record(reader, kind=kind, event_id=kind, at=now - timedelta(hours=age))
    record(reader, kind="rating", value=3, event_id="r1")
    record(reader, kind="rating", value=5, event_id="r2")
    events.interaction_remove(reader=reader, event_id="r2")
    taken = events.interaction_remove(reader=reader, event_id="not_interested")
    assert taken.restored is not None
    assert (taken.restored.kind, taken.restored.at) == ("dislike", now - timedelta(hours=2))
    assert held(reader) == [("dislike", "dislike", None), ("r1", "rating", 3.0)]
    events.interaction_remove(reader=reader, event_id="dislike")
    assert held(reader) == [("like", "like", None), ("r1", "rating", 3.0)]
    assert events.interaction_remove(reader=reader, event_id="like").restored is None
    assert not record(reader, kind="rating", event_id="r1", value=3).created
    assert held(reader) == [("r1", "rating", 3.0)]


def test_of_what_one_opinion_replaced_the_latest_comes_back(reader: Reader) -> None:
    now = timezone.now()
    record(reader, kind="like", event_id="e1", at=now - timedelta(hours=4))
    record(reader, kind="not_interested", event_id="e3", at=now - timedelta(hours=1))
    record(reader, kind="dislike", event_id="e2", at=now - timedelta(hours=2))  # it comes late
    events.interaction_remove(reader=reader, event_id="e3")
    assert held(reader) == [("e2", "dislike", None)]
    events.interaction_remove(reader=reader, event_id="e2")
    assert held(reader) == [("e1", "like", None)]


def test_what_was_taken_back_or_forgotten_does_not_come_back(reader: Reader) -> None:
    now = timezone.now()
    for age, kind in ((3, "like"), (2, "dislike"), (1, "not_interested")):
        record(reader, kind=kind, event_id=kind, at=now - timedelta(hours=age))
    # Taken back by a page that had not heard of the newest one.
    assert events.interaction_remove(reader=reader, event_id="dislike").removed
    assert not events.interaction_remove(reader=reader, event_id="dislike").removed
    events.interaction_remove(reader=reader, event_id="not_interested")
    assert held(reader) == [("like", "like", None)]
    record(reader, kind="dislike", event_id="again")
    events.item_forget(reader=reader, item_id="sea-1", kind="like")
    assert events.interaction_remove(reader=reader, event_id="again").restored is None
    record(reader, kind="like", event_id="e8")
    record(reader, kind="dislike", event_id="e9")
    events.item_forget(reader=reader, item_id="sea-1")
    assert not reader.replaced_events.exclude(item=None, kind="").exists()


def test_a_preference_is_held_once_and_can_be_withdrawn(reader: Reader) -> None:
    for stance in ("more", "mute"):
        events.preference_set(reader=reader, subject="tag", value="sea", stance=stance)
    assert reader.preferences.get().stance == Preference.Stance.MUTE
    events.preference_set(reader=reader, subject="tag", value="sea", stance=None)
    assert not reader.preferences.exists()
