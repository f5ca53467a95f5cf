"""The card of an encoder that has read raw texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml.artifacts import DataSource
from ml.encoders import EncoderSource
from ml.training.card import footprint
from ml.training.config import FinetuneConfig

_HEADS = {
    "mlm": "The layer that guesses the tokens is new and is scored by the encoder's own word "
    "embeddings, so that the loss before is that of an untrained guess; it is left behind.",
    "tsdae": "The decoder that writes the texts begins as the encoder's layers, with new attention "
    "to the vector, so that the loss before is that of an untrained one; it is left behind.",
}


def pretrain_card(
    name: str,
    objective: str,
    source: EncoderSource,
    config: FinetuneConfig,
    data: Sequence[DataSource],
    metrics: Mapping[str, float],
) -> str:
    """The card as Markdown; what the encoder is for comes from the recipe's ``[card]`` table."""
    hidden = {
        "mlm": f"masked language model, {config.mask:.0%} of the tokens hidden",
        "tsdae": f"denoising auto-encoder, {config.deletion:.0%} of the tokens lost",
    }[objective]
    files = [
        f"- {one.name}, {one.rows:,} different texts (SHA-256 `{one.sha256[:16]}...`), licence: "
        f"{one.licence}"
        for one in data
    ]
    measures = [f"| {measure} | {value:.4g} |" for measure, value in metrics.items()]
    parts = [
        f"# {name}",
        config.card.get(
            "use",
            f'A base encoder: `encoder = "{name}"` in a recipe. It answers nothing by itself.',
        ),
        "## How it was made",
        f"{source.name} (SHA-256 `{source.sha256[:16]}...`), pre-trained on raw texts: {hidden}; "
        f"method {config.method}, {config.epochs:g} epochs, batches of {config.batch_size}, "
        f"learning rate {config.rate:g}, rows of at most {config.max_length} tokens, seed "
        f"{config.seed}. {_HEADS[objective]} {footprint(metrics)}",
        "## Data and licences",
        "\n".join(files),
        "## Measured on held-out texts",
        f"{int(metrics['n']):,} texts, never trained on; the mean loss of a token that was hidden "
        "or lost, in nats.",
        "\n".join(["| measure | value |", "|---|---|", *measures]),
        "## Limits",
        config.card.get(
            "limits",
            "Whether it serves a task better than its base shows only on that task's rows.",
        ),
    ]
    return "\n\n".join(parts) + "\n"
