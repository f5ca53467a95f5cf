"""Writes the model card: what a model is for, what it was made from, how good it is."""

from __future__ import annotations

from collections.abc import Sequence

from ml.artifacts import Artifact
from ml.training.config import FinetuneConfig

_SHOWN = (
    "accuracy",
    "macro_f1",
    "ece",
    "f1",
    "precision",
    "recall",
    "oos_auroc",
    "oos_recall",
    "in_scope_accuracy_at_threshold",
    "coverage",
    "accuracy_when_confident",
)


def model_card(
    artifact: Artifact, config: FinetuneConfig, curve: Sequence[dict[str, float]]
) -> str:
    """The card as Markdown; free texts come from the recipe's ``[card]`` table."""
    card = config.card
    metrics = [
        f"| {name} | {artifact.metrics[name]:.4f} |" for name in _SHOWN if name in artifact.metrics
    ]
    per_type = [
        f"| {name} | {value:.4f} |"
        for name, value in sorted(artifact.metrics.items())
        if name.startswith("f1_")
    ]
    licences = [f"- {name}: {licence}" for name, licence in config.licences.items()]
    last = f"{curve[-1]['loss']:.3f}" if curve else "-"
    parts = [
        f"# {artifact.task}",
        card.get("use", "No intended use was stated."),
        "## How it was made",
        f"Base encoder {artifact.encoder.name} (SHA-256 `{artifact.encoder.sha256[:16]}...`), "
        f"method {artifact.method}, {config.epochs:g} epochs, batches of {config.batch_size}, "
        f"learning rate {config.learning_rate:g} ({config.schedule}, {config.warmup:.0%} warmup), "
        f"label smoothing {config.label_smoothing:g}, at most {config.max_length} tokens, seed "
        f"{config.seed}. {int(artifact.metrics.get('trainable_parameters', 0)):,} parameters were "
        f"trained on {artifact.data[0].rows:,} rows in {artifact.metrics.get('minutes', 0):g} "
        f"minutes on {config.card.get('machine', 'a CPU')}; final training loss {last}.",
        f"Reproduce: `{card.get('command', 'manage.py finetune')}`",
        "## Data and licences",
        "\n".join(licences) or "Not stated.",
        card.get("data", ""),
        "## Measured on held-out rows",
        f"{int(artifact.metrics.get('n', 0)):,} rows, split by text, never trained on.",
        "\n".join(["| metric | value |", "|---|---|", *metrics, *per_type]),
        f"Temperature {artifact.temperature:.3f}; thresholds "
        + (", ".join(f"{k} {v:.3f}" for k, v in artifact.thresholds.items()) or "none")
        + ".",
        "## Limits",
        card.get("limits", "Not stated."),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
