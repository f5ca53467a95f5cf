"""A tagger's training that begins from the weights of a trained one.

What was learned of names from other data is kept (Phang, Févry and Bowman 2018, "Sentence Encoders
on STILTs"): the encoder, what it reads of words, and the head up to its last layer; the last layer
too, and the order of tags, where the labels are the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from ml.artifacts import ADAPTER, HEAD, Artifact, read_trained
from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.export.build import restore_model
from ml.export.merge import check_plain
from ml.models.encoder import load_delta
from ml.models.tagger import TokenTagger
from ml.provenance import joined
from ml.training.config import FinetuneConfig

_SHIPPED = Path(__file__).parents[1] / "pretrained"
_OUTPUT = ("head.4.", "chain.")
"""What is of the labels: the last layer and the order of tags."""


def begin_from(
    model: TokenTagger, config: FinetuneConfig, source: EncoderSource, labels: tuple[str, ...]
) -> None:
    """Put the weights of the tagger that ``config.start`` says into ``model``.

    Raises :class:`ml.errors.ArtifactError` for a folder that holds no sound artifact, or one of
    another encoder, and :class:`TrainingError` for one that is no tagger or whose method's weights
    have no place in this one's.
    """
    folder, artifact = tagger_at(config.start)
    if artifact.encoder.sha256 != source.sha256:
        raise TrainingError(
            f"start = {config.start!r} was tuned on another encoder than {source.name}"
        )
    method = config.method_settings()
    if config.method == "full":
        tuned: nn.Module = restore_model(artifact, source, folder).encoder  # type: ignore[assignment]
        try:
            check_plain(tuned, source, artifact.method["name"])
        except TrainingError as error:
            raise TrainingError(
                f"start = {config.start!r}: {error}, which are all that full tunes; "
                f"go on with the same method and size"
            ) from error
        model.encoder.load_state_dict(tuned.state_dict())
    elif _shape(method) == _shape(artifact.method):
        load_delta(model.encoder, method, folder / ADAPTER)
    else:
        raise TrainingError(
            f"start = {config.start!r} was tuned with {artifact.method}; "
            f"go on with the same method and size, or with full if it tuned the encoder's weights"
        )
    own = model.state_dict()
    kept = {
        name: weights
        for name, weights in load_file(folder / HEAD).items()
        if name in own
        and own[name].shape == weights.shape
        and (labels == artifact.labels or not name.startswith(_OUTPUT))
    }
    model.load_state_dict(kept, strict=False)


def with_start(artifact: Artifact, config: FinetuneConfig) -> Artifact:
    """The declaration with what the tagger of ``config.start`` was trained on, and which it is."""
    if not config.start:
        return artifact
    first = tagger_at(config.start)[1]
    return replace(
        artifact,
        data=joined(artifact.data, first.data),
        settings=artifact.settings | {"start": f"{first.task} {first.version}"},
    )


def tagger_at(start: str) -> tuple[Path, Artifact]:
    """The folder and declaration of a tagger, told by its folder or as a shipped one by name.

    Raises :class:`ml.errors.ArtifactError` for a folder that holds no sound artifact, and
    :class:`TrainingError` for one that is no tagger.
    """
    shipped = _SHIPPED / start
    folder = shipped if start.isidentifier() and shipped.is_dir() else Path(start)
    artifact = read_trained(folder)
    if artifact.kind != "ner":
        raise TrainingError(f"start = {start!r} is no tagger but of kind {artifact.kind}")
    return folder, artifact


def _shape(method: dict[str, object]) -> dict[str, object]:
    """The settings of a method that its weights depend on."""
    return {name: value for name, value in method.items() if name != "dropout"}
