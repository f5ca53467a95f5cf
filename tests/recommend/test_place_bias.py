from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.recommend import index
from apps.recommend.behaviour import behaviour_older_than
from apps.recommend.models import Experiment, Exposure, Impression, Interaction, Item, Reader
from apps.recommend.place_bias import NONE, bias_fit, bias_of, bias_path

PLACES, SHARE, CLICKS_OF_THE_LIKED = 4, 0.5, 0.6


@pytest.fixture
def pages(books: None) -> None:
    """Pages of an exploring arm whose later places are seen less: 1, 1/2, 1/3 and so on."""
    random = np.random.default_rng(4)
    began = timezone.now() - timedelta(days=2)
    arms = [{"name": "a", "share": 1.0, "settings": {"exploration": SHARE}}]
    experiment = Experiment.objects.create(
        key="places", name="Places", arms=arms, metric="click", baseline=0.1, lift=0.1, needed=1
    )
    items = list(Item.objects.order_by("id").values_list("id", flat=True))
    readers = Reader.objects.bulk_create(Reader() for _ in range(600))
    exposures = Exposure.objects.bulk_create(
        Exposure(experiment=experiment, reader=reader, arm="a", first_at=began)
        for reader in readers
    )
    shown, clicks = [], []
    for number, exposure in enumerate(exposures):
        row = [(item, 1 - SHARE) for item in items[:PLACES]]
        rest = items[PLACES:]
        for place in np.flatnonzero(random.random(PLACES) < SHARE):
            row[place] = (rest.pop(random.integers(len(rest))), SHARE / (len(rest) + 1))
        shown.append(Impression(exposure=exposure, reader=exposure.reader, items=row, at=began))
        for place, (item, _) in enumerate(row):
            if random.random() < CLICKS_OF_THE_LIKED / (place + 1):
                clicks.append(
                    Interaction(
                        reader=exposure.reader,
                        item_id=item,
                        kind="click",
                        at=began + timedelta(minutes=1),
                        event_id=f"{number}-{place}",
                        source="web",
                    )
                )
    Impression.objects.bulk_create(shown)
    Interaction.objects.bulk_create(clicks)


def test_popularity_counts_a_click_by_how_much_is_seen_at_its_place(pages: None) -> None:
    catalogue = index.snapshot()
    index.refresh_popularity()
    first, last = (catalogue.positions[pk] for pk in _ends())
    before = index.snapshot().popularity
    assert before[first] > 2.5 * before[last]  # as liked as each other, but not as seen
    found = bias_fit(catalogue.key)
    assert found.finding == "used"
    np.testing.assert_allclose(found.seen, 1 / np.arange(1, PLACES + 1), atol=0.12)
    index.refresh_popularity()
    after = index.snapshot().popularity
    assert after[first] / after[last] == pytest.approx(1.0, abs=0.4)
    assert after.sum() == pytest.approx(before.sum(), rel=0.01)


def test_the_estimate_is_on_the_page_of_weights(pages: None, keeper_client: Client) -> None:
    url = reverse("recommend:weights")
    assert b"No correction yet: places filled by lot got 0 of the 200" in _page(keeper_client, url)
    bias_fit(index.snapshot().key)
    told = _page(keeper_client, url)
    assert b"in the first row by the inverse" in told
    assert b">100%<" in told


def test_a_click_of_another_day_says_nothing_and_a_spoilt_file_neither(pages: None) -> None:
    key = index.snapshot().key
    Interaction.objects.update(at=timezone.now())
    found = bias_fit(key)
    assert (found.finding, sum(found.opened)) == ("too few", 0)
    assert sum(found.shown) > 0
    assert behaviour_older_than(timezone.now() + timedelta(seconds=1))  # so forgetting renews it
    bias_path(key).write_text('{"finding": "used"')
    assert bias_of(key) == NONE


def _ends() -> tuple[int, int]:
    pks = list(Item.objects.order_by("id").values_list("id", flat=True))
    return pks[0], pks[PLACES - 1]


def _page(client: Client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content
