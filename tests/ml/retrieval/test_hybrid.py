"""Documents, passages and hybrid search."""

from __future__ import annotations

import numpy as np
import pytest

from ml.errors import ArtifactError
from ml.retrieval.documents import Document, passages_of
from ml.retrieval.hybrid import HybridIndex
from ml.serving.fakes import FakeEngine

ARTICLES = [
    Document(
        "lost",
        "Lost card",
        "Freeze your card in the app.\n\nThen order a replacement, which takes five days.",
        ("i cannot find my card anywhere",),
    ),
    Document("fees", "Fees abroad", "Payments abroad cost nothing. Withdrawals cost two per cent."),
    Document("hours", "Opening hours", ""),
]


@pytest.fixture(scope="module")
def embed():
    engine = FakeEngine()
    yield lambda texts: np.stack([e.vector for e in engine.predict("encoder", list(texts))])
    engine.close()


@pytest.fixture
def index(embed):
    index = HybridIndex(384, encoder_version="fake-1")
    index.put(ARTICLES, embed)
    return index


@pytest.fixture
def search(index, embed):
    return lambda query, **options: index.search(query, embed([query])[0], **options)


class TestPassages:
    def test_title_questions_and_body_are_searched(self):
        passages = passages_of(ARTICLES[0])
        assert [passage.kind for passage in passages] == ["title", "question", "body"]
        assert passages[2].indexed.startswith("Lost card\nFreeze")
        assert passages[2].text.startswith("Freeze")

    def test_long_bodies_are_cut_at_sentences(self):
        body = " ".join(f"This is sentence number {i}." for i in range(100))
        passages = passages_of(Document("a", "", body), max_words=20)
        assert " ".join(passage.text for passage in passages) == body
        assert all(len(passage.text.split()) <= 20 for passage in passages)
        assert len({passage.id for passage in passages}) == len(passages)

    def test_a_sentence_longer_than_a_piece_stays_whole(self):
        body = "word " * 300
        assert [p.text for p in passages_of(Document("a", "", body))] == [body.strip()]

    def test_an_empty_document_has_none(self):
        assert passages_of(Document("a", " ", "\n\n", ("",))) == []


def test_the_best_document_comes_first(search):
    hits = search("how much do withdrawals abroad cost")
    assert hits[0].document_id == "fees"
    assert hits[0].passage.text.startswith("Payments abroad")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_question_can_match_while_the_body_is_shown(search):
    hit = search("i cannot find my card anywhere")[0]
    assert hit.document_id == "lost"
    assert hit.matched.kind == "question"
    assert hit.passage.kind == "body"


def test_the_score_is_made_of_its_sources(search):
    for hit in search("replacement card", weight=0.4):
        assert hit.score == pytest.approx(0.6 * hit.dense + 0.4 * hit.lexical)
        assert 0 <= hit.lexical < 1


def test_one_source_alone(search):
    assert search("abroad", weight=1.0)[0].lexical == search("abroad", weight=1.0)[0].score
    assert search("abroad", weight=0.0)[0].dense == search("abroad", weight=0.0)[0].score


def test_a_document_without_body_shows_its_title(search):
    assert search("opening hours")[0].passage.kind == "title"


def test_the_number_of_hits_is_bounded(search):
    assert len(search("card", k=1)) == 1
    assert search("card", k=0) == []


def test_an_empty_index_finds_nothing(embed):
    assert HybridIndex(384).search("card", embed(["card"])[0]) == []


def test_documents_are_replaced_and_removed(index, search, embed):
    index.put([Document("fees", "Savings", "Interest is paid monthly.")], embed)
    assert len(index) == 3
    assert search("when is interest paid")[0].document_id == "fees"
    assert all("abroad" not in hit.passage.text for hit in search("abroad"))
    assert index.remove(["fees", "other"]) == 1
    assert "fees" not in index
    assert all(hit.document_id != "fees" for hit in search("interest"))


def test_a_failed_embedding_leaves_the_index_as_it_was(index, search):
    def fail(texts):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        index.put([Document("fees", "Other", "Other")], fail)
    assert search("fees abroad")[0].document_id == "fees"


def test_ids_may_contain_the_separator(index, search, embed):
    index.put([Document("a#b#1", "Mortgages", "House loans.")], embed)
    assert search("mortgages")[0].document_id == "a#b#1"


def test_a_saved_index_answers_as_before(index, search, embed, tmp_path):
    index.save(tmp_path / "kb")
    index.save(tmp_path / "kb")
    loaded = HybridIndex.load(tmp_path / "kb")
    query = "lost card"
    assert loaded.encoder_version == "fake-1"
    assert loaded.search(query, embed([query])[0]) == search(query)


@pytest.mark.parametrize("name", ["documents.json", "vectors.index"])
def test_a_half_written_index_is_refused(index, tmp_path, name):
    index.save(tmp_path / "kb")
    path = tmp_path / "kb" / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ArtifactError, match=name.replace(".", r"\.")):
        HybridIndex.load(tmp_path / "kb")
    path.unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        HybridIndex.load(tmp_path / "kb")


def test_vectors_of_other_documents_are_refused(index, embed, tmp_path):
    index.save(tmp_path / "kb")
    documents = (tmp_path / "kb" / "documents.json").read_bytes()
    index.put([Document("new", "New", "More")], embed)
    index.save(tmp_path / "kb")
    (tmp_path / "kb" / "documents.json").write_bytes(documents)
    with pytest.raises(ArtifactError, match="do not belong"):
        HybridIndex.load(tmp_path / "kb")
