from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.recommend.models import Experiment, Exposure, Impression, Reader
from apps.recommend.services import events
from apps.recommend.services.joining import reader_join
from apps.recommend.services.readers import reader_for_user, wish_set
from tests.recommend.factories import ReaderFactory, did

pytestmark = pytest.mark.usefixtures("books")


def test_a_first_sign_in_takes_the_visitors_history_over(reader: Reader, mei: User) -> None:
    did(reader, "save", "sea-1")
    joined = reader_join(key=reader.key, user=mei)
    assert joined.pk == reader.pk
    assert reader_for_user(user=mei).interactions.count() == 1


def test_a_later_sign_in_merges_the_two_histories(reader: Reader, mei: User) -> None:
    own = reader_for_user(user=mei)
    did(own, "save", "sea-1", event_id="same")
    did(reader, "like", "sea-2", event_id="same")
    did(reader, "like", "ghost-1", event_id="other")
    events.preference_set(reader=reader, subject="tag", value="sea", stance="more")
    wish_set(reader=reader, sentence="storms at sea")
    joined = reader_join(key=reader.key, user=mei)
    assert joined.pk == own.pk
    done = set(joined.interactions.values_list("item__external_id", flat=True))
    assert done == {"sea-1", "ghost-1"}
    assert joined.preferences.count() == 1
    assert joined.wish == "storms at sea"
    assert not Reader.objects.filter(pk=reader.pk).exists()


def test_somebody_elses_or_an_outside_reader_is_not_taken_over(mei: User, keeper: User) -> None:
    other = reader_for_user(user=keeper)
    outside = ReaderFactory(external_id="sim-0001", simulated=True)
    for found in (other, outside):
        joined = reader_join(key=found.key, user=mei)
        assert joined.user_id == mei.pk
        assert joined.pk != found.pk


def test_joining_loses_nothing_and_joining_again_changes_nothing(reader: Reader, mei: User) -> None:
    own = reader_for_user(user=mei)
    early, late = timezone.now() - timedelta(days=2), timezone.now() - timedelta(days=1)

    def opinion(who: Reader, item: str, kind: str, event_id: str, at: datetime) -> None:
        events.interaction_record(
            reader=who, item_id=item, kind=kind, event_id=event_id, at=at, source="test"
        )

    opinion(own, "sea-1", "like", "own-like", early)
    opinion(reader, "sea-1", "dislike", "visitor-dislike", late)
    opinion(reader, "sea-2", "like", "visitor-first", early)
    opinion(reader, "sea-2", "not_interested", "visitor-second", late)
    experiment = Experiment.objects.create(
        key="e", name="e", arms=[], metric="click", baseline=0.1, lift=0.1, needed=1
    )
    exposure = Exposure.objects.create(
        experiment=experiment, reader=reader, arm="a", first_at=early
    )
    seen = Impression.objects.create(exposure=exposure, reader=reader, items=[], at=early)
    for _ in range(2):
        reader_join(key=reader.key, user=mei)
        held = own.interactions.order_by("event_id").values_list("event_id", flat=True)
        assert list(held) == ["visitor-dislike", "visitor-second"]
        replaced = own.replaced_events.order_by("event_id").values_list("event_id", flat=True)
        assert list(replaced) == ["own-like", "visitor-first"]
        seen.refresh_from_db()
        assert (seen.reader_id, seen.exposure.reader_id) == (own.pk, own.pk)
    # What the later opinion replaced does not come back when it is sent again.
    opinion(own, "sea-2", "like", "visitor-first", early)
    assert own.interactions.count() == 2
    taken = events.interaction_remove(reader=own, event_id="visitor-dislike")
    assert taken.restored is not None
    assert taken.restored.event_id == "own-like"
