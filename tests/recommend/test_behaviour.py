from __future__ import annotations

import pytest

from apps.recommend import index, page
from apps.recommend.behaviour import behaviour_fit, behaviour_of, behaviour_path
from apps.recommend.models import Item, Reader
from tests.recommend.factories import InteractionFactory, ReaderFactory, did

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def fans(books: None) -> None:
    """Readers who like one sea story and one ghost story, whose texts have nothing in common."""
    pair = list(Item.objects.filter(external_id__in=["sea-1", "ghost-1"]))
    for _ in range(120):
        fan = ReaderFactory()
        for item in pair:
            InteractionFactory(item=item, reader=fan)


@pytest.mark.usefixtures("fans")
def test_what_readers_liked_together_is_recommended_together(reader: Reader) -> None:
    did(reader, "save", "sea-1")
    inputs = page.page_inputs(reader)
    position = inputs.snapshot.by_external["ghost-1"]
    before = page.ranked_of(inputs).scores[position]
    assert behaviour_fit()
    assert page.ranked_of(page.page_inputs(reader)).scores[position] > before


def test_too_few_deeds_make_no_model() -> None:
    assert not behaviour_fit()
    assert behaviour_of(index.snapshot()) is None


@pytest.mark.usefixtures("fans")
def test_a_file_cut_in_half_is_passed_over_until_the_next_fit(reader: Reader) -> None:
    assert behaviour_fit()
    path = behaviour_path(index.snapshot())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    did(reader, "save", "sea-1")
    assert page.page_of(reader)["sections"]
    assert behaviour_of(index.snapshot()) is None
    assert behaviour_fit()
    assert behaviour_of(index.snapshot()) is not None
