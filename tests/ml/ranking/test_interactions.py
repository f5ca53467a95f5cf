"""Reading items and interactions, and which of them are held out."""

from __future__ import annotations

import numpy as np
import pytest

from ml.errors import DataError
from ml.ranking.interactions import (
    Interaction,
    Item,
    is_positive,
    log_of,
    read_interactions,
    read_items,
    strength_of,
)
from ml.ranking.splits import PROTOCOLS, held_out

ITEMS = [Item("a", "A", "text"), Item("b", "B", "text")]
HEADER = "user_id,item_id,kind,value,timestamp\n"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_items_are_read(tmp_path):
    path = write(tmp_path / "i.csv", "item_id,title,text,tags,published_at\na,A,x,t|u||t,1900\n")
    assert read_items(path) == [Item("a", "A", "x", ("t", "u"))]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",A,x,", "'item_id' is empty"),
        ("a,B,x,", "repeats"),
        ("b,,,t", "neither"),
        ("b,B", "cells"),
    ],
)
def test_a_bad_item_is_named(tmp_path, row, problem):
    path = write(tmp_path / "i.csv", f"item_id,title,text,tags\na,A,x,\n{row}\n")
    with pytest.raises(DataError, match=problem) as caught:
        read_items(path)
    assert caught.value.row == 3


def test_interactions_are_read(tmp_path):
    rows = "u,a,rating,4.5,2020-01-01T00:00:00+01:00\nu,b,save,,2020-01-01\nv,a,view,,86400\n"
    path = write(tmp_path / "x.csv", HEADER + rows)
    assert read_interactions(path, ITEMS) == [
        Interaction("u", "a", "rating", 4.5, 1577833200.0),
        Interaction("u", "b", "save", None, 1577836800.0),
        Interaction("v", "a", "view", None, 86400.0),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",a,view,,1", "'user_id' is empty"),
        ("u,z,view,,1", "no item 'z'"),
        ("u,a,look,,1", "not a kind"),
        ("u,a,rating,,1", "needs a value"),
        ("u,a,rating,four,1", "not a number"),
        ("u,a,rating,nan,1", "not a number"),
        ("u,a,view,,yesterday", "timestamp 'yesterday'"),
        ("u,a,view,,inf", "timestamp 'inf'"),
        ("u,a,view", "cells"),
    ],
)
def test_a_bad_interaction_is_named(tmp_path, row, problem):
    path = write(tmp_path / "x.csv", f"{HEADER}u,a,view,,1\n{row}\n")
    with pytest.raises(DataError, match=problem) as caught:
        read_interactions(path, ITEMS)
    assert caught.value.row == 3


def test_empty_files_are_named(tmp_path):
    with pytest.raises(DataError, match="no interactions"):
        read_interactions(write(tmp_path / "x.csv", HEADER), ITEMS)
    with pytest.raises(DataError, match="no items"):
        read_items(write(tmp_path / "i.csv", "item_id,title,text,tags\n"))


def test_what_counts_as_positive():
    assert is_positive("rating", 4.0)
    assert is_positive("save", None)
    assert not is_positive("rating", 3.5)
    assert not is_positive("click", None)
    assert strength_of("rating", 5.0) > strength_of("rating", 3.0) > strength_of("rating", 1.0)
    assert strength_of("not_interested", None) < 0 < strength_of("click", None)


@pytest.fixture
def log():
    deeds = [Interaction("u", "ab"[i % 2], "like", None, float(i)) for i in range(10)]
    deeds += [Interaction("v", "a", "like", None, 100.0), Interaction("v", "b", "view", None, 3.5)]
    deeds += [Interaction("w", "a", "like", None, 5.5)]
    return log_of(deeds, ITEMS)[0]


def test_a_log_is_in_order_of_time(log):
    assert (np.diff(log.times) >= 0).all()


@pytest.mark.parametrize(
    ("protocol", "times"),
    [
        ("temporal", {8.0, 9.0, 100.0}),
        ("leave-last-out", {9.0, 100.0}),
        ("global-temporal", {8.0, 9.0, 100.0}),
    ],
)
def test_the_last_ones_are_held_out(log, protocol, times):
    assert set(log.times[held_out(log, protocol)]) == times


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_reader_is_foreseen_from_their_own_future(log, protocol):
    test = held_out(log, protocol)
    for user in np.unique(log.users):
        own = log.users == user
        if (own & test).any() and (own & ~test).any():
            assert log.times[own & ~test].max() <= log.times[own & test].min()
