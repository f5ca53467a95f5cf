"""Forward passes: texts to predictions with ONNX Runtime and numpy, one class per kind of task.

Long texts are cut so that no caller can exhaust memory: classifiers and encoders read the first
20,000 characters (and of those as many tokens as the model takes, or all of them in windows if the
model is declared so), taggers the first 50,000, in windows that overlap; a prediction that goes by
a part of its text is ``truncated``. A text without any word is answered without the model: a
classifier says that all labels are equally likely and that it is out of scope, one of several
labels that none holds, a tagger finds nothing, and an encoder returns the zero vector, whose cosine
with everything is 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ml.artifacts import MODEL, TABLES, TRUNK, Artifact
from ml.data.encoding import EncodedBatch, encode_texts, encode_words
from ml.data.long_texts import mean_by_text
from ml.data.text import Word, normalise, split_words
from ml.data.word_windows import kept_words, word_windows
from ml.errors import ArtifactError
from ml.evaluation.decoding import decode_tags
from ml.evaluation.multi_label import label_logits
from ml.evaluation.scoring import OOS_COLUMN, classify_logits
from ml.joint import check_no_joint
from ml.runtime import RuntimeSettings
from ml.serving.graph import Graph
from ml.serving.protocol import Predictor
from ml.serving.shared import shared_tokenizer
from ml.serving.tagging import entities_of, logits_by_word
from ml.types import (
    Classification,
    Embedding,
    FloatArray,
    ModelInfo,
    MultiLabel,
    ScoredLabel,
    Tagging,
)
from ml.wording import Wording

Read = Classification | MultiLabel | Tagging | Embedding
"""What a graph's outputs become."""
Kept = TypeVar("Kept", bound=Read)
OfText = TypeVar("OfText", Classification, MultiLabel)

MAX_CHARACTERS = 20_000
MAX_TAGGED_CHARACTERS = 50_000


class _HeadReader(ABC, Generic[OfText]):
    """What the head of a model of whole texts gives, and what it sees."""

    def __init__(self, folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> None:
        self.info = model_info(artifact)
        self._artifact = artifact
        self._tokenizer = shared_tokenizer(folder, artifact)
        self._graph = Graph(folder, artifact, runtime)

    def predict(self, texts: Sequence[str]) -> list[OfText]:
        readable, filled = _readable(texts)
        results = [self._nothing()] * len(texts)
        if filled:
            logits, pooled, truncated = self._read([readable[i] for i in filled])
            answers = self._answers(logits, pooled)
            for index, answer, cut in zip(filled, answers, truncated, strict=True):
                results[index] = replace(answer, truncated=True) if cut else answer
        return marked(results, texts, MAX_CHARACTERS)

    @abstractmethod
    def _nothing(self) -> OfText:
        """What is said of a text without any word."""

    @abstractmethod
    def _answers(self, logits: FloatArray, pooled: FloatArray) -> list[OfText]:
        """What the head's outputs (texts, ...) say of each text."""

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """The pooled states that the head reads, shape (texts, hidden); zeros without a word."""
        texts, filled = _readable(texts)
        found = np.zeros((len(texts), self._artifact.encoder.hidden_size), dtype=np.float32)
        if filled:
            found[filled] = self._read([texts[i] for i in filled])[1]
        return found

    def _read(self, texts: Sequence[str]) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Logits (texts, columns) and pooled states (texts, hidden), of windows their mean, and
        (texts,) which of the texts have more tokens than were read."""
        batch = encode_texts(
            self._tokenizer,
            texts,
            max_length=self._artifact.max_length,
            long_texts=self._artifact.settings.get("long_texts", "cut"),
        )
        assert batch.owners is not None
        assert batch.truncated is not None
        order, logits, pooled = [], [], []
        for rows, outputs in self._graph.run(batch):
            order.append(rows)
            logits.append(outputs[0])
            pooled.append(outputs[1])
        owners = batch.owners[np.concatenate(order)]
        return (
            mean_by_text(np.concatenate(logits), owners, len(texts)),
            mean_by_text(np.concatenate(pooled), owners, len(texts)),
            batch.truncated,
        )


class ClassifierPredictor(_HeadReader[Classification]):
    """Texts to calibrated class distributions."""

    def _nothing(self) -> Classification:
        return answer_to_nothing(self._artifact)

    def _answers(self, logits: FloatArray, pooled: FloatArray) -> list[Classification]:
        return classify_logits(logits, pooled, self._artifact)


class MultiLabelPredictor(_HeadReader[MultiLabel]):
    """Texts to the labels that hold of each."""

    def _nothing(self) -> MultiLabel:
        return no_labels(self._artifact)

    def _answers(self, logits: FloatArray, pooled: FloatArray) -> list[MultiLabel]:
        return label_logits(logits, self._artifact)


class EncoderPredictor:
    """Texts to unit-length sentence vectors."""

    def __init__(self, folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> None:
        self.info = model_info(artifact)
        self._artifact = artifact
        self._tokenizer = shared_tokenizer(folder, artifact)
        self._graph = Graph(folder, artifact, runtime)

    def predict(self, texts: Sequence[str]) -> list[Embedding]:
        readable, filled = _readable(texts)
        version = self._artifact.version
        nothing = np.zeros(self._artifact.encoder.hidden_size, dtype=np.float32)
        results = [Embedding(nothing, version)] * len(texts)
        if filled:
            batch = _encode(self._tokenizer, [readable[i] for i in filled], self._artifact)
            assert batch.truncated is not None
            for rows, (vectors,) in self._graph.run(batch):
                for row, vector in zip(rows, vectors, strict=True):
                    # A copy, or each vector would keep the whole batch alive in the cache.
                    cut = bool(batch.truncated[row])
                    results[filled[row]] = Embedding(vector.copy(), version, cut)
        return marked(results, texts, MAX_CHARACTERS)


class TaggerPredictor:
    """Texts to entities, with offsets in the text as it was given."""

    def __init__(self, folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> None:
        self.info = model_info(artifact)
        self._artifact = artifact
        self._tokenizer = shared_tokenizer(folder, artifact)
        self._graph = Graph(folder, artifact, runtime)
        self._capacity = text_capacity(folder, artifact, self._tokenizer)

    def predict(self, texts: Sequence[str]) -> list[Tagging]:
        sentences = [split_words(encodable(text[:MAX_TAGGED_CHARACTERS])) for text in texts]
        windows = [self._windows(words) for words in sentences]
        logits = self._logits(sentences, windows)
        results: list[Tagging] = []
        for text, words, cut in zip(texts, sentences, windows, strict=True):
            read = [next(logits) for _ in cut]
            entities = entities_of(text, words, [part for part, _ in read], self._artifact)
            truncated = any(longer for _, longer in read)
            results.append(Tagging(entities, self._artifact.version, truncated))
        return marked(results, texts, MAX_TAGGED_CHARACTERS)

    def tag_words(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """BIO tags for sentences that are split into words already, as labelled data is."""
        words = [as_words(sentence) for sentence in sentences]
        windows = [self._windows(sentence) for sentence in words]
        logits = self._logits(words, windows)
        tags = []
        for cut in windows:
            parts = [next(logits)[0] for _ in cut]
            tags.append(decode_tags(np.concatenate(parts), self._artifact) if parts else [])
        return tags

    def _windows(self, words: Sequence[Word]) -> list[range]:
        return word_windows([word.text for word in words], self._tokenizer, self._capacity)

    def _logits(
        self, sentences: Sequence[Sequence[Word]], windows: Sequence[Sequence[range]]
    ) -> Iterator[tuple[FloatArray, bool]]:
        """For each window of each sentence the logits of the words that it answers for, and
        whether they have more tokens than were read."""
        spans = [
            (words, window, kept)
            for words, cut in zip(sentences, windows, strict=True)
            for window, kept in zip(cut, kept_words(cut), strict=True)
        ]
        if not spans:
            return iter(())
        batch = encode_words(
            self._tokenizer,
            [[words[i].text for i in window] for words, window, _ in spans],
            max_length=self._artifact.max_length,
        )
        assert batch.word_index is not None
        assert batch.truncated is not None
        found: list[FloatArray] = [np.empty(0, dtype=np.float32)] * len(spans)
        for rows, (logits,) in self._graph.run(batch):
            for row, tokens in zip(rows, logits, strict=True):
                _, window, kept = spans[row]
                index = batch.word_index[row, : len(tokens)]
                words_logits = logits_by_word(tokens, index, len(window), self._artifact.labels)
                found[row] = words_logits[kept.start - window.start : kept.stop - window.start]
        return zip(found, batch.truncated.tolist(), strict=True)


def load_predictor(folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> Predictor:
    """Load the built model in ``folder``, whose checked declaration is ``artifact``.

    Raises :class:`ArtifactError` when its graph or tokenizer cannot be used, or is that of several
    tasks.
    """
    check_no_joint(artifact, folder)
    if TRUNK in artifact.settings:
        from ml.serving.joint import load_joint_task  # which is made of this module's parts

        return load_joint_task(folder, artifact, runtime)
    if artifact.kind == "ner":
        return TaggerPredictor(folder, artifact, runtime)
    if artifact.kind == "multi_label":
        return MultiLabelPredictor(folder, artifact, runtime)
    if artifact.kind == "embedding":
        return EncoderPredictor(folder, artifact, runtime)
    return ClassifierPredictor(folder, artifact, runtime)


def answer_to_nothing(artifact: Artifact) -> Classification:
    """What a classifier says of a text without any word."""
    labels = artifact.labels
    knows_scope = bool(artifact.settings.get(OOS_COLUMN) or "out_of_scope" in artifact.thresholds)
    return Classification(
        scores=tuple(ScoredLabel(label, 1.0 / len(labels)) for label in labels),
        out_of_scope=1.0 if knows_scope else None,
        in_scope=False,
        confident=False,
        version=artifact.version,
    )


def no_labels(artifact: Artifact) -> MultiLabel:
    """What a model of several labels says of a text without any word."""
    scores = tuple(ScoredLabel(label, 0.0) for label in artifact.labels)
    return MultiLabel(scores, (), artifact.version)


def model_info(artifact: Artifact) -> ModelInfo:
    """The summary of a built model's declaration."""
    return ModelInfo(
        task=artifact.task,
        kind=artifact.kind,
        version=artifact.version,
        labels=artifact.labels,
        precision=artifact.build.precision if artifact.build else "none",
        size_bytes=sum(
            artifact.files[name].bytes for name in (MODEL, TABLES) if name in artifact.files
        ),
        metrics=artifact.metrics,
        thresholds=artifact.thresholds,
    )


def text_capacity(folder: Path, artifact: Artifact, tokenizer: Tokenizer) -> int:
    """How many tokens of a text the model in ``folder`` reads at once; raises
    :class:`ArtifactError` where its special ones leave none."""
    capacity = artifact.max_length - tokenizer.num_special_tokens_to_add(False)
    if capacity < 1:
        raise ArtifactError(
            folder,
            Wording(
                "max_length %(max_length)s leaves no room for text",
                max_length=artifact.max_length,
            ),
        )
    return capacity


def as_words(sentence: Sequence[str]) -> list[Word]:
    """Words of a sentence that is split already, as if single spaces were between them."""
    words, start = [], 0
    for text in sentence:
        words.append(Word(encodable(text), start, start + len(text)))
        start += len(text) + 1
    return words


def _encode(tokenizer: Tokenizer, texts: Sequence[str], artifact: Artifact) -> EncodedBatch:
    return encode_texts(tokenizer, texts, max_length=artifact.max_length)


def _readable(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """The texts cut and made encodable, and the indices of those that hold any word."""
    readable = [encodable(text[:MAX_CHARACTERS]) for text in texts]
    return readable, [index for index, text in enumerate(readable) if normalise(text)]


def marked(results: Sequence[Kept], texts: Sequence[str], characters: int) -> list[Kept]:
    """The ``results``, those of texts that were cut after ``characters`` told as truncated."""
    return [
        replace(result, truncated=True) if len(text) > characters else result
        for result, text in zip(results, texts, strict=True)
    ]


def encodable(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
