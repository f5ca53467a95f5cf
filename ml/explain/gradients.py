"""Attribution by integrated gradients, for workers: it needs torch and the trained artifact.

Source: Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks". The path goes
from a text of padding tokens to the text itself; the attributions of its tokens sum up to the
difference of the label's logit between the two. Of a long text that is read in windows the logit is
the mean of theirs, and so are the attributions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor, nn

from ml.artifacts import Artifact, read_trained
from ml.data.encoding import encode_words, load_tokenizer
from ml.data.long_texts import pieces
from ml.data.text import Word, normalise
from ml.data.word_windows import word_windows
from ml.data.words import readable_words
from ml.encoders import resolve_encoder
from ml.errors import DataError
from ml.evaluation.multi_label import sigmoid
from ml.evaluation.scoring import softmax
from ml.explain.attribution import Attribution, Explanation, pieces_of
from ml.export.build import restore_model
from ml.export.joint import restore_joint
from ml.joint import declared_tasks
from ml.models.joint import OneTask
from ml.serving.predictors import MAX_CHARACTERS, encodable

STEPS = 32
_BATCH = 16
_PROBABILITIES = {"classification": softmax, "multi_label": sigmoid}
"""Those of the labels, from their logits, by the kinds of model that are explained."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What the model reads at once: ``ids`` and what goes with them, each of shape (1, tokens).

    ``places`` are where each token's characters stand in the text. The first and the last token are
    special ones, to which nothing is attributed.
    """

    ids: Tensor
    others: tuple[Tensor, ...]
    places: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text, and the rows in which the model reads it."""

    text: str
    rows: Sequence[_Row]


class IntegratedGradients:
    """Explains the classifier, of one label or several, whose trained artifact is in ``folder``.

    Where that is a joint model, ``task`` says which of its classifiers is meant.

    Raises :class:`ml.errors.ArtifactError` for a corrupt artifact and :class:`DataError` for one
    that classifies no texts.
    """

    def __init__(self, folder: Path, task: str | None = None) -> None:
        stored = read_trained(folder)
        self._joint = stored.kind == "joint"
        self.artifact = _declared(stored, folder, task) if self._joint else stored
        if self.artifact.kind not in _PROBABILITIES:
            raise DataError(
                folder, None, f"is of kind {self.artifact.kind}; classifiers are explained"
            )
        source = resolve_encoder(stored.encoder.name)
        self._tokenizer = load_tokenizer(source.path / "tokenizer.json")
        self._padding = next(
            (
                token
                for name in ("[PAD]", "<pad>")
                if (token := self._tokenizer.token_to_id(name)) is not None
            ),
            0,
        )
        model: nn.Module
        if self._joint:
            joint = restore_joint(stored, source, folder)
            model, encoder = OneTask(joint, self.artifact.task), joint.encoder
        else:
            model = restore_model(stored, source, folder)
            encoder = model.encoder  # type: ignore[assignment]
        self._model = model.eval()
        self._layer: nn.Module = encoder.get_input_embeddings()  # type: ignore[operator]

    def explain(self, text: str, *, label: str | None = None) -> Explanation:
        """What each word of ``text`` adds to the logit of ``label`` (the best one, by default).

        As much of it is explained as is read when the model is served. The explanation's offsets
        are those of the text that it carries, which is the normalised one where the model reads
        that. Raises :class:`DataError` for a text without words or an
        unknown label.
        """
        text = encodable(text[:MAX_CHARACTERS])
        read = self._read_words(text) if self._joint else self._read(text)
        words = pieces_of(read.text, at_most=len(read.text))
        with torch.inference_mode():
            rows = [self._logits(row.ids, *row.others)[0] for row in read.rows]
            logits = torch.stack(rows).mean(dim=0)
        known = (logits[: len(self.artifact.labels)] / self.artifact.temperature).numpy()
        probabilities = _PROBABILITIES[self.artifact.kind](known)
        column = int(known.argmax()) if label is None else self._column(label)
        starts = [word.start for word in words]
        totals = [0.0] * len(words)
        for row in read.rows:
            for score, (start, end) in zip(self._attribute(row, column), row.places, strict=True):
                index = bisect_right(starts, start) - 1
                if start < end and index >= 0 and start < words[index].end:
                    totals[index] += score / len(read.rows)
        return Explanation(
            text=read.text,
            label=self.artifact.labels[column],
            confidence=float(probabilities[column]),
            method="integrated gradients",
            pieces=tuple(
                Attribution(word.text, word.start, word.end, total)
                for word, total in zip(words, totals, strict=True)
            ),
            version=self.artifact.version,
        )

    def _column(self, label: str) -> int:
        if label not in self.artifact.labels:
            raise DataError("label", None, f"{label!r} is none of the model's labels")
        return self.artifact.labels.index(label)

    def _read(self, text: str) -> _Reading:
        text = normalise(text)
        encoding = self._tokenizer.encode(text)
        rows = []
        for tokens in pieces(
            range(len(encoding.ids)),
            max_length=self.artifact.max_length,
            way=self.artifact.settings.get("long_texts", "cut"),
        ):
            ids = torch.tensor([[encoding.ids[token] for token in tokens]])
            places = [encoding.offsets[token] for token in tokens]
            rows.append(_Row(ids, (torch.ones_like(ids),), places))
        return _Reading(text, rows)

    def _read_words(self, text: str) -> _Reading:
        """The text as a joint model reads it; a token has the place of its whole word."""
        words = readable_words(text)
        room = self.artifact.max_length - self._tokenizer.num_special_tokens_to_add(False)
        windows = word_windows([word.text for word in words], self._tokenizer, room) or [range(0)]
        if self.artifact.settings.get("long_texts") != "windows":
            windows = windows[:1]
        return _Reading(text, [self._window([words[i] for i in window]) for window in windows])

    def _window(self, words: Sequence[Word]) -> _Row:
        batch = encode_words(
            self._tokenizer, [[word.text for word in words]], max_length=self.artifact.max_length
        )
        assert batch.shape_ids is not None
        assert batch.word_index is not None
        places, place = [], (0, 0)
        for index in batch.word_index[0]:
            if index >= 0:
                place = (words[index].start, words[index].end)
            places.append(place)
        arrays = (batch.input_ids, batch.attention_mask, batch.shape_ids)
        ids, mask, shapes = (torch.from_numpy(array) for array in arrays)
        return _Row(ids, (mask, shapes), places)

    def _attribute(self, row: _Row, column: int) -> list[float]:
        """One number a token; the first and the last token stay as they are."""
        baseline = row.ids.clone()
        baseline[:, 1:-1] = self._padding
        attributions = LayerIntegratedGradients(self._logits, self._layer).attribute(
            row.ids,
            baselines=baseline,
            additional_forward_args=row.others,
            target=column,
            n_steps=STEPS,
            internal_batch_size=_BATCH,
        )
        tokens: list[float] = attributions.sum(dim=-1)[0].tolist()
        return tokens

    def _logits(self, ids: Tensor, mask: Tensor, shapes: Tensor | None = None) -> Tensor:
        more = {} if shapes is None else {"shape_ids": shapes}
        logits: Tensor = self._model(input_ids=ids, attention_mask=mask, **more)["logits"]
        return logits


def _declared(joint: Artifact, folder: Path, task: str | None) -> Artifact:
    tasks = declared_tasks(joint)
    if task not in tasks:
        raise DataError(folder, None, f"is the joint model of {', '.join(tasks)}; name one")
    return tasks[task]
