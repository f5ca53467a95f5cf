from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.recommend.models import Reader
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
