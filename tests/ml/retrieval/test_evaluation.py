"""Reading articles and queries, and the numbers of ``evaluate_retrieval``."""

from __future__ import annotations

import json

import pytest

from ml.errors import DataError
from ml.retrieval.documents import Document
from ml.retrieval.evaluation import (
    Query,
    evaluate_retrieval,
    read_articles,
    read_intents,
    read_queries,
)
from ml.serving.fakes import FakeEngine

ARTICLE = {"id": "a", "title": "Lost card", "body": "Freeze it."}


def write(path, rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_articles_are_read(tmp_path):
    path = write(tmp_path / "a.jsonl", [ARTICLE, ARTICLE | {"id": "b", "questions": ["where?"]}])
    assert read_articles(path) == [
        Document("a", "Lost card", "Freeze it."),
        Document("b", "Lost card", "Freeze it.", ("where?",)),
    ]


def test_articles_are_read_from_csv(tmp_path):
    path = write(tmp_path / "a.csv", ["id,title,body,tags", 'a,Lost card,"Freeze it.",x'])
    assert read_articles(path) == [Document("a", "Lost card", "Freeze it.")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ({"id": "b", "title": "x"}, "lacks 'body'"),
        (ARTICLE | {"id": 3}, "'id' is not a text"),
        (ARTICLE | {"id": " "}, "'id' is empty"),
        (ARTICLE, "repeats the id 'a'"),
        ({"id": "b", "title": "", "body": " "}, "neither"),
        (ARTICLE | {"id": "b", "questions": "where?"}, "'questions' is not a list"),
    ],
)
def test_a_bad_article_is_named(tmp_path, row, problem):
    path = write(tmp_path / "a.jsonl", [ARTICLE, row])
    with pytest.raises(DataError, match=problem) as caught:
        read_articles(path)
    assert caught.value.row == 2


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": "", "article_ids": ["a"]}, "'text' is empty"),
        ({"text": "x", "article_ids": []}, "'article_ids' is empty"),
        ({"text": "x", "article_ids": "a"}, "not a list"),
        ({"text": "x", "article_ids": ["z"]}, "no article 'z'"),
        ({"text": "x"}, "lacks 'article_ids'"),
    ],
)
def test_a_bad_query_is_named(tmp_path, row, problem):
    path = write(tmp_path / "q.jsonl", [{"text": "x", "article_ids": ["a"]}, row])
    with pytest.raises(DataError, match=problem) as caught:
        read_queries(path, [Document("a", "Lost card")])
    assert caught.value.row == 2


def test_empty_files_are_named(tmp_path):
    path = tmp_path / "empty.jsonl"
    path.touch()
    with pytest.raises(DataError, match="no articles"):
        read_articles(path)
    with pytest.raises(DataError, match="no queries"):
        read_queries(path, [])


@pytest.fixture
def engine():
    engine = FakeEngine()
    yield engine
    engine.close()


def test_recall_and_reciprocal_rank(engine):
    articles = [Document(name, f"the {name} article") for name in ("apple", "pear", "plum", "fig")]
    queries = [
        Query("apple", ("apple",)),
        Query("the fig article", ("fig", "pear")),
        Query("apple article", ("plum",)),
    ]
    result = evaluate_retrieval(articles, queries, engine)
    assert result["n"] == 3
    assert result["recall@1"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert result["recall@5"] == 1.0
    assert result["mrr@10"] >= (1 + 1 + 1 / 4) / 3
    assert set(result["baselines"]) == {"bm25", "untuned"}
    assert set(result["baselines"]["bm25"]) == {"recall@1", "recall@3", "recall@5", "mrr@10"}


def test_bm25_does_not_find_what_shares_no_word(engine):
    articles = [Document("a", "lost card"), Document("b", "exchange rate")]
    result = evaluate_retrieval(articles, [Query("mislaid plastic", ("a",))], engine)
    assert result["baselines"]["bm25"]["recall@5"] == 0.0


def test_the_intent_of_a_question_brings_the_article_that_answers_it_to_the_front(tmp_path):
    rows = [
        ARTICLE | {"title": "lost card", "tags": ["intent:a", "cards"]},
        ARTICLE | {"id": "b", "title": "exchange rate", "tags": ["intent:b"]},
        ARTICLE | {"id": "c", "title": "opening hours"},
    ]
    path = write(tmp_path / "articles.jsonl", rows)
    articles, intents = read_articles(path), read_intents(path)
    assert intents == {"a": ("a",), "b": ("b",), "c": ()}
    query = Query("lost card in another country", ("b",))
    engine = FakeEngine({"intent": {"country": "b"}})
    try:
        told = evaluate_retrieval(articles, [query], engine, intents=intents)
        plain = evaluate_retrieval(articles, [query], engine)
    finally:
        engine.close()
    assert (told["recall@1"], told["baselines"]["search"]["recall@1"]) == (1.0, 0.0)
    assert plain["recall@1"] == 0.0
    assert "search" not in plain["baselines"]


def test_tags_that_are_no_texts_are_named(tmp_path):
    path = write(tmp_path / "articles.jsonl", [ARTICLE | {"tags": [1]}])
    with pytest.raises(DataError, match=r"articles\.jsonl.*1.*'tags'"):
        read_intents(path)
