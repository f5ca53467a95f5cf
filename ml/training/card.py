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
    "recall@1",
    "recall@3",
    "mrr@10",
    "untuned_recall@1",
    "untuned_recall@3",
    "untuned_mrr@10",
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
    parts = [
        f"# {artifact.task}",
        card.get("use", "No intended use was stated."),
        "## How it was made",
        _how(artifact, config, curve),
        f"Reproduce: `{card.get('command', 'manage.py finetune')}`",
        "## Data and licences",
        "\n".join(licences) or "Not stated.",
        card.get("data", ""),
        "## Measured on held-out rows",
        f"{int(artifact.metrics.get('n', 0)):,} rows, split by text, "
        + (
            "not trained on by the model that was measured. The shipped weights were then trained "
            "in the same way on all rows, these included; temperature, thresholds and numbers are "
            "those of the measured model."
            if config.refit
            else "never trained on."
        ),
        "\n".join(["| metric | value |", "|---|---|", *metrics, *per_type]),
        _calibration(artifact),
        "## Limits",
        card.get("limits", "Not stated."),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _calibration(artifact: Artifact) -> str:
    if artifact.kind == "embedding":
        return ""
    thresholds = ", ".join(f"{k} {v:.3f}" for k, v in artifact.thresholds.items()) or "none"
    return f"Temperature {artifact.temperature:.3f}; thresholds {thresholds}."


def _objective(artifact: Artifact, config: FinetuneConfig) -> str:
    """What the loss was, where it is not plain cross-entropy; ends in a comma."""
    if artifact.kind == "embedding":
        loss = config.pair_loss.replace("_", " ")
        kept = f", {config.strength:.0%} of the change kept" if config.strength < 1 else ""
        return f"{loss} loss{kept}, "
    return f"label smoothing {config.label_smoothing:g}, " if config.label_smoothing else ""


def _how(artifact: Artifact, config: FinetuneConfig, curve: Sequence[dict[str, float]]) -> str:
    settings = [f"{name} {value}" for name, value in artifact.method.items() if name != "name"]
    method = artifact.method["name"] + (f" ({', '.join(settings)})" if settings else "")
    trained = int(artifact.metrics.get("trainable_parameters", 0))
    rows = sum(source.rows for source in artifact.data)
    loss = f"; final training loss {curve[-1]['loss']:.3f}" if curve else ""
    return (
        f"Base encoder {artifact.encoder.name} (SHA-256 `{artifact.encoder.sha256[:16]}...`), "
        f"method {method}, {config.epochs:g} epochs, batches of {config.batch_size}, "
        f"learning rate {config.learning_rate:g} ({config.schedule}, {config.warmup:.0%} warmup), "
        f"{_objective(artifact, config)}at most {config.max_length} tokens, seed {config.seed}. "
        f"{trained:,} parameters were trained on {rows:,} rows in "
        f"{artifact.metrics.get('minutes', 0):g} minutes on "
        f"{config.card.get('machine', 'a CPU')}{loss}."
    )
