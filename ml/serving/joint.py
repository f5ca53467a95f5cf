"""Joint models: one pass of the graph answers for all tasks that share it.

Texts are read as words with shapes (:mod:`ml.data.words`), in windows; a sentence vector and a
classifier read the first window, a tagger and a classifier by "windows" all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from ml.artifacts import Artifact, read_artifact
from ml.data.encoding import encode_words
from ml.data.text import Word
from ml.data.word_windows import kept_words, word_windows
from ml.data.words import readable_words
from ml.errors import ArtifactError
from ml.evaluation.decoding import decode_tags
from ml.evaluation.multi_label import label_logits
from ml.evaluation.scoring import classify_logits
from ml.joint import declared_tasks, trunk_of
from ml.runtime import RuntimeSettings
from ml.serving.graph import OUTPUTS, Graph
from ml.serving.predictors import (
    MAX_CHARACTERS,
    MAX_TAGGED_CHARACTERS,
    Read,
    answer_to_nothing,
    as_words,
    encodable,
    marked,
    model_info,
    no_labels,
    text_capacity,
)
from ml.serving.protocol import Predictor
from ml.serving.shared import shared_tokenizer
from ml.serving.tagging import entities_of, logits_by_word
from ml.types import Answers, Classification, Embedding, FloatArray, MultiLabel, Tagging
from ml.wording import Wording


@dataclass(frozen=True, slots=True)
class _Window:
    """A window of a text: the words it answers for, and for each output of the graph its value.

    Values by token are by word already. ``truncated``: its words have more tokens than are read.
    """

    kept: slice
    outputs: dict[str, FloatArray]
    truncated: bool


class JointPredictor:
    """The graph of a joint model and what each of its tasks declares. Safe for several threads."""

    def __init__(self, folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> None:
        self.info = model_info(artifact)
        self.tasks = declared_tasks(artifact)
        self._artifact = artifact
        self._tokenizer = shared_tokenizer(folder, artifact)
        self._outputs = tuple(
            f"{name}.{output}" for name, task in self.tasks.items() for output in OUTPUTS[task.kind]
        )
        self._graph = Graph(folder, artifact, runtime, self._outputs)
        self._capacity = text_capacity(folder, artifact, self._tokenizer)

    def predict(self, texts: Sequence[str]) -> list[Answers]:
        """The predictions of all tasks for each text, from one pass."""
        cut = [encodable(text[:MAX_TAGGED_CHARACTERS]) for text in texts]
        words = [readable_words(text) for text in cut]
        read = self.read(words)
        by_task = {
            name: marked(self.answer(name, cut, words, read), texts, MAX_TAGGED_CHARACTERS)
            for name in self.tasks
        }
        return [
            Answers({name: answers[row] for name, answers in by_task.items()}, self.info.version)
            for row in range(len(texts))
        ]

    def read(
        self, sentences: Sequence[Sequence[Word]], *, whole: bool = True
    ) -> list[list[_Window]]:
        """The windows of each sentence, with what the graph gives; the first alone unless whole."""
        cuts = [
            word_windows([word.text for word in words], self._tokenizer, self._capacity)
            for words in sentences
        ]
        spans = [
            (sentence, window, kept)
            for sentence, cut in enumerate(cuts)
            for window, kept in list(zip(cut, kept_words(cut), strict=True))[: None if whole else 1]
        ]
        found: list[list[_Window]] = [[] for _ in sentences]
        if not spans:
            return found
        batch = encode_words(
            self._tokenizer,
            [[sentences[sentence][i].text for i in window] for sentence, window, _ in spans],
            max_length=self._artifact.max_length,
        )
        assert batch.word_index is not None
        assert batch.truncated is not None
        ready: list[_Window | None] = [None] * len(spans)
        for rows, outputs in self._graph.run(batch):
            for place, row in enumerate(rows):
                _, window, kept = spans[row]
                index = batch.word_index[row, : int(batch.attention_mask[row].sum())]
                values = {}
                for name, output in zip(self._outputs, outputs, strict=True):
                    value = output[place]
                    if value.ndim == 2:
                        labels = self.tasks[name.rpartition(".")[0]].labels
                        tokens = value[: len(index)]
                        values[name] = logits_by_word(tokens, index, len(window), labels)
                    else:
                        # A copy, or each value would keep the whole batch alive in the cache.
                        values[name] = value.copy()
                start, stop = kept.start - window.start, kept.stop - window.start
                ready[row] = _Window(slice(start, stop), values, bool(batch.truncated[row]))
        for (sentence, _, _), done in zip(spans, ready, strict=True):
            assert done is not None
            found[sentence].append(done)
        return found

    def answer(
        self,
        task: str,
        texts: Sequence[str],
        sentences: Sequence[Sequence[Word]],
        read: Sequence[Sequence[_Window]],
    ) -> Sequence[Read]:
        """The predictions of one task for texts that were read."""
        declared = self.tasks[task]
        truncated = [
            self._truncated(task, words, windows)
            for words, windows in zip(sentences, read, strict=True)
        ]
        if declared.kind == "ner":
            return [
                Tagging(
                    entities_of(text, words, self.parts(task, windows), declared),
                    declared.version,
                    cut,
                )
                for text, words, windows, cut in zip(texts, sentences, read, truncated, strict=True)
            ]
        if declared.kind == "embedding":
            return [
                Embedding(self.vector(task, "vector", windows), declared.version, cut)
                for windows, cut in zip(read, truncated, strict=True)
            ]
        several = declared.kind == "multi_label"
        nothing = no_labels(declared) if several else answer_to_nothing(declared)
        answers: list[Classification | MultiLabel] = [nothing] * len(texts)
        filled = [index for index, windows in enumerate(read) if windows]
        if filled:
            logits, pooled = (
                np.stack([self.vector(task, output, read[index]) for index in filled])
                for output in OUTPUTS[declared.kind]
            )
            scored: Sequence[Classification | MultiLabel] = (
                label_logits(logits, declared)
                if several
                else classify_logits(logits, pooled, declared)
            )
            for index, answer in zip(filled, scored, strict=True):
                answers[index] = replace(answer, truncated=True) if truncated[index] else answer
        return answers

    def parts(self, task: str, windows: Sequence[_Window]) -> list[FloatArray]:
        """A tagger's logits of the words that each window answers for."""
        return [window.outputs[f"{task}.logits"][window.kept] for window in windows]

    def vector(self, task: str, output: str, windows: Sequence[_Window]) -> FloatArray:
        """An output of what the task reads (of windows the mean); zeros of a text without words."""
        if not windows:
            return np.zeros(self._artifact.encoder.hidden_size, dtype=np.float32)
        name = f"{task}.{output}"
        if len(windows) == 1 or not self.reads_all(task):
            return windows[0].outputs[name]
        mean: FloatArray = np.mean([window.outputs[name] for window in windows], axis=0)
        return mean

    def _truncated(self, task: str, words: Sequence[Word], windows: Sequence[_Window]) -> bool:
        """Whether a part of the text of these ``words`` was not read for the task."""
        if self.reads_all(task):
            return any(window.truncated for window in windows)
        return bool(windows) and (windows[0].truncated or windows[0].kept.stop < len(words))

    def reads_all(self, task: str) -> bool:
        """Whether the task reads all windows of a long text."""
        declared = self.tasks[task]
        return declared.kind == "ner" or declared.settings.get("long_texts") == "windows"


class _TaskPredictor:
    """One task of a joint model, by itself."""

    def __init__(self, joint: JointPredictor, artifact: Artifact) -> None:
        self.info = model_info(artifact)
        self._joint = joint
        self._task = artifact.task

    def _predict(self, texts: Sequence[str], characters: int) -> list[Read]:
        cut = [encodable(text[:characters]) for text in texts]
        words = [readable_words(text) for text in cut]
        answers = self._joint.answer(self._task, cut, words, self._read(words))
        return marked(answers, texts, characters)

    def _read(self, words: Sequence[Sequence[Word]]) -> list[list[_Window]]:
        return self._joint.read(words, whole=self._joint.reads_all(self._task))


class JointClassifier(_TaskPredictor):
    """As :class:`ml.serving.predictors.ClassifierPredictor`, or ``MultiLabelPredictor``."""

    def predict(self, texts: Sequence[str]) -> list[Read]:
        return self._predict(texts, MAX_CHARACTERS)

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        """The pooled states that the head reads, shape (texts, hidden); zeros without a word."""
        words = [readable_words(encodable(text[:MAX_CHARACTERS])) for text in texts]
        vectors = [self._joint.vector(self._task, "pooled", read) for read in self._read(words)]
        return np.stack(vectors)


class JointEncoder(_TaskPredictor):
    """As :class:`ml.serving.predictors.EncoderPredictor`."""

    def predict(self, texts: Sequence[str]) -> list[Read]:
        return self._predict(texts, MAX_CHARACTERS)


class JointTagger(_TaskPredictor):
    """As :class:`ml.serving.predictors.TaggerPredictor`."""

    def predict(self, texts: Sequence[str]) -> list[Read]:
        return self._predict(texts, MAX_TAGGED_CHARACTERS)

    def tag_words(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """BIO tags for sentences that are split into words already, as labelled data is."""
        read = self._joint.read([as_words(sentence) for sentence in sentences])
        artifact = self._joint.tasks[self._task]
        parts = [self._joint.parts(self._task, windows) for windows in read]
        return [decode_tags(np.concatenate(own), artifact) if own else [] for own in parts]


_KINDS: dict[str, Callable[[JointPredictor, Artifact], Predictor]] = {
    "classification": JointClassifier,
    "embedding": JointEncoder,
    "multi_label": JointClassifier,
    "ner": JointTagger,
}
_loaded: WeakValueDictionary[tuple[Path, str, RuntimeSettings], JointPredictor] = (
    WeakValueDictionary()
)
_lock = threading.Lock()


def load_joint(folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> JointPredictor:
    """The joint model built in ``folder``: one object for all its tasks in this process.

    Raises :class:`ArtifactError` when its graph or tokenizer cannot be used.
    """
    key = (folder.resolve(), artifact.version, runtime)
    with _lock:
        joint = _loaded.get(key)
        if joint is None:
            joint = _loaded[key] = JointPredictor(folder, artifact, runtime)
        return joint


def load_joint_task(folder: Path, artifact: Artifact, runtime: RuntimeSettings) -> Predictor:
    """The predictor of a task that a joint model answers for; ``folder`` is the task's.

    Raises :class:`ArtifactError` when the joint model is missing, is another one than the task
    declares, or cannot be used.
    """
    trunk = trunk_of(artifact)
    assert trunk is not None
    joint_folder = trunk.folder(folder)
    joint = read_artifact(joint_folder)
    if joint.version != trunk.version or artifact.version not in {
        task.version for task in declared_tasks(joint).values()
    }:
        raise ArtifactError(
            joint_folder,
            Wording("is not the joint model that %(task)s declares", task=artifact.task),
        )
    return _KINDS[artifact.kind](load_joint(joint_folder, joint, runtime), artifact)
