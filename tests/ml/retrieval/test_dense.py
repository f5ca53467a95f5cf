"""The vector index: exact and approximate search, changes, files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.errors import ArtifactError
from ml.retrieval.dense import VectorIndex

DIMENSIONS = 16


def unit(number, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(number, DIMENSIONS)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def filled(number, **options):
    index = VectorIndex(DIMENSIONS, **options)
    index.put([f"n{i}" for i in range(number)], unit(number))
    return index


def brute(vectors, names, query, k):
    scores = vectors @ query
    return [names[i] for i in np.argsort(-scores, kind="stable")[:k]]


def test_an_empty_index_finds_nothing():
    assert VectorIndex(DIMENSIONS).search(unit(1)[0], 5) == []


def test_exact_search_is_a_full_scan():
    index = filled(200)
    query = unit(1, seed=1)[0]
    found = index.search(query, 10)
    assert [name for name, _ in found] == brute(unit(200), [f"n{i}" for i in range(200)], query, 10)
    assert found[0][1] == pytest.approx(float(unit(200)[int(found[0][0][1:])] @ query), abs=1e-6)
    assert len(index.search(query, 1000)) == 200


def test_a_vector_is_replaced():
    index = filled(10)
    new = unit(1, seed=5)
    index.put(["n3"], new)
    assert len(index) == 10
    assert index.search(new[0], 1)[0][0] == "n3"
    assert index.vectors(["n3"]) == pytest.approx(new)


def test_unknown_names_are_not_removed_and_not_given():
    index = filled(3)
    assert index.remove(["n1", "n1", "other"]) == 1
    assert len(index) == 2
    assert "n1" not in index
    assert index.vectors([]).shape == (0, DIMENSIONS)
    with pytest.raises(KeyError):
        index.vectors(["n1"])


@pytest.mark.parametrize(
    ("names", "vectors", "problem"),
    [
        (["a"], np.ones((1, 3)), "shape"),
        (["a", "b"], np.ones((1, DIMENSIONS)), "shape"),
        (["a", "a"], np.ones((2, DIMENSIONS)), "repeated"),
        (["a"], np.full((1, DIMENSIONS), np.nan), "finite"),
    ],
)
def test_bad_vectors_are_refused(names, vectors, problem):
    index = filled(3)
    with pytest.raises(ValueError, match=problem):
        index.put(names, vectors)
    assert len(index) == 3


def test_many_vectors_are_searched_by_a_graph():
    index = filled(400, exact_below=300)
    assert not index.exact
    names, vectors = [f"n{i}" for i in range(400)], unit(400)
    hits = 0
    for query in unit(50, seed=2):
        found = [name for name, _ in index.search(query, 10)]
        hits += len(set(found) & set(brute(vectors, names, query, 10)))
    assert hits / 500 > 0.95


def test_the_index_grows_from_exact_to_graph_without_losing_any():
    index = filled(200, exact_below=300)
    assert index.exact
    index.put([f"m{i}" for i in range(200)], unit(200, seed=9))
    assert not index.exact
    assert len(index) == 400
    assert index.search(unit(200)[7], 1)[0][0] == "n7"
    assert index.search(unit(200, seed=9)[7], 1)[0][0] == "m7"


@pytest.mark.parametrize("exact_below", [1, 10_000])
@given(
    changes=st.lists(
        st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 1000)), max_size=60
    )
)
@settings(max_examples=25, deadline=None)
def test_after_any_changes_search_finds_what_is_there(exact_below, changes):
    index = VectorIndex(DIMENSIONS, exact_below=exact_below)
    kept = {}
    for add, name, seed in changes:
        if add:
            kept[f"n{name}"] = unit(1, seed=seed)[0]
            index.put([f"n{name}"], kept[f"n{name}"][None])
        else:
            assert index.remove([f"n{name}"]) == (kept.pop(f"n{name}", None) is not None)
    query = unit(1, seed=77)[0]
    found = dict(index.search(query, 100))
    assert set(found) == set(kept)
    for name, score in found.items():
        close = 1e-5 if index.exact else 1e-3
        assert score == pytest.approx(float(kept[name] @ query), abs=close)


@pytest.mark.parametrize("exact_below", [1, 10_000])
def test_a_saved_index_answers_as_before_and_can_be_changed(tmp_path, exact_below):
    index = filled(50, exact_below=exact_below)
    index.put(["é", "n1"], unit(2, seed=4))
    path = tmp_path / "folder" / "vectors.index"
    index.save(path)
    loaded = VectorIndex.load(path, exact_below=exact_below)
    query = unit(1, seed=6)[0]
    assert loaded.search(query, 51) == index.search(query, 51)
    loaded.put(["new"], unit(1, seed=8))
    assert loaded.search(unit(1, seed=8)[0], 1)[0][0] == "new"
    assert loaded.remove(["é", "n0"]) == 2
    assert len(loaded) == 50
    assert [entry.name for entry in path.parent.iterdir()] == ["vectors.index"]


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "vectors.index"
    filled(50).save(path)
    whole = path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        whole[:-1],
        whole[:30],
        whole[:60] + b"x" + whole[61:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"vectors\.index"):
            VectorIndex.load(path)
    path.write_bytes(b"")
    with pytest.raises(ArtifactError, match="not a vector index"):
        VectorIndex.load(path)
    with pytest.raises(ArtifactError, match="cannot be read"):
        VectorIndex.load(tmp_path / "missing")


@pytest.mark.parametrize("exact_below", [1, 10_000])
def test_places_say_what_names_say(exact_below):
    index = filled(200, exact_below=exact_below)
    index.remove(["n7"])
    names = [f"n{i}" for i in range(200)]
    rows = index.rows_of([*names, "other"])
    assert rows[[7, 200]].tolist() == [-1, -1]
    name_of = {int(row): name for name, row in zip(names, rows[:-1], strict=True)}
    queries = unit(3, seed=1)
    found, scores = index.nearest_rows(queries, 20)
    for query, own, cosines in zip(queries, found, scores, strict=True):
        there = [
            (name_of[row], score) for row, score in zip(own, cosines, strict=True) if row in name_of
        ]
        wanted = index.search(query, len(there))
        assert [name for name, _ in there] == [name for name, _ in wanted]
        assert [score for _, score in there] == pytest.approx([score for _, score in wanted])
    assert (index.nearest_rows(queries, 300)[0][:, -1] == -1).all()
    assert rows.max() < index.places


def test_the_graph_links_what_is_near():
    index, vectors = filled(400, exact_below=1), unit(400)
    rows = index.rows_of([f"n{i}" for i in range(400)])
    assert (rows == np.arange(400)).all()
    linked = np.unique(index.linked_rows(np.array([17])))
    assert 17 not in linked
    assert (vectors[linked] @ vectors[17]).mean() > (vectors @ vectors[17]).mean() + 0.2
    both = np.unique(index.linked_rows(np.array([17, 18])))
    assert set(linked) <= set(both)
    assert len(index.linked_rows(np.zeros(0, dtype=np.int64))) == 0
    assert len(filled(50).linked_rows(np.array([3]))) == 0
