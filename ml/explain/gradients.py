"""Attribution by integrated gradients, for workers: it needs torch and the trained artifact.

Source: Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks". The path goes
from a text of padding tokens to the text itself; the attributions of its tokens sum up to the
difference of the label's logit between the two.
"""

from __future__ import annotations

from pathlib import Path

import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor, nn

from ml.artifacts import Artifact, read_artifact
from ml.data.encoding import load_tokenizer
from ml.data.text import normalise
from ml.encoders import resolve_encoder
from ml.errors import DataError
from ml.evaluation.scoring import softmax
from ml.explain.attribution import Attribution, Explanation, pieces_of
from ml.export.build import restore_model

STEPS = 32
_BATCH = 16


class IntegratedGradients:
    """Explains the classifier whose trained artifact is in ``folder``.

    Raises :class:`ml.errors.ArtifactError` for a corrupt artifact and :class:`DataError` for one
    that classifies no texts.
    """

    def __init__(self, folder: Path) -> None:
        self.artifact: Artifact = read_artifact(folder)
        if self.artifact.kind != "classification":
            raise DataError(
                folder, None, f"is of kind {self.artifact.kind}; classifiers are explained"
            )
        source = resolve_encoder(self.artifact.encoder.name)
        self._tokenizer = load_tokenizer(source.path / "tokenizer.json")
        self._tokenizer.enable_truncation(self.artifact.max_length)
        self._padding = next(
            (
                token
                for name in ("[PAD]", "<pad>")
                if (token := self._tokenizer.token_to_id(name)) is not None
            ),
            0,
        )
        self._model = restore_model(self.artifact, source, folder).eval()

    def explain(self, text: str, *, label: str | None = None) -> Explanation:
        """What each word of ``text`` adds to the logit of ``label`` (the best one, by default).

        The explanation's offsets are those of the normalised text, which it carries.
        Raises :class:`DataError` for a text without words or an unknown label.
        """
        text = normalise(text)
        words = pieces_of(text, at_most=len(text))
        encoding = self._tokenizer.encode(text)
        ids = torch.tensor([encoding.ids])
        with torch.inference_mode():
            logits = _logits(self._model, ids, torch.ones_like(ids))[0]
        known = (logits[: len(self.artifact.labels)] / self.artifact.temperature).numpy()
        column = int(known.argmax()) if label is None else self._column(label)
        scores = self._attribute(ids, column)
        totals = [0.0] * len(words)
        for score, (start, end) in zip(scores, encoding.offsets, strict=True):
            for index, word in enumerate(words):
                if start < end and word.start <= start < word.end:
                    totals[index] += score
        return Explanation(
            text=text,
            label=self.artifact.labels[column],
            confidence=float(softmax(known)[column]),
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

    def _attribute(self, ids: Tensor, column: int) -> list[float]:
        """Shape (1, tokens) of ids to one number a token; [CLS] and [SEP] stay as they are."""
        baseline = ids.clone()
        baseline[:, 1:-1] = self._padding
        layer = self._model.encoder.get_input_embeddings()  # type: ignore[union-attr,operator]
        attributions = LayerIntegratedGradients(
            lambda tokens, mask: _logits(self._model, tokens, mask), layer
        ).attribute(
            ids,
            baselines=baseline,
            additional_forward_args=(torch.ones_like(ids),),
            target=column,
            n_steps=STEPS,
            internal_batch_size=_BATCH,
        )
        tokens: list[float] = attributions.sum(dim=-1)[0].tolist()
        return tokens


def _logits(model: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    logits: Tensor = model(input_ids=ids, attention_mask=mask)["logits"]
    return logits
