"""Writes the model card: what a model is for, what it was made from, how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from ml.artifacts import Artifact
from ml.licences import stated_licences
from ml.training.config import FinetuneConfig
from ml.training.settings.distillation import distillation

WATTS_A_THREAD = 10.0
GRAMS_A_KWH = 475.0
"""Of CO2e, for the estimate of what a training took."""

SHOWN = (
    "accuracy",
    "micro_f1",
    "macro_f1",
    "mean_average_precision",
    "exact_match",
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
"""Measures that cards tell of, in this order."""

_SERVED, _LIMITS = "## As served", "## Limits"
_CALIBRATED = ("kind", "temperature", "thresholds")


def model_card(
    artifact: Artifact,
    config: FinetuneConfig,
    curve: Sequence[dict[str, float]],
    command: str,
) -> str:
    """The card as Markdown; free texts come from the recipe's ``[card]`` table. ``command`` does
    the same again, where the table names none."""
    card = config.card
    metrics = [
        f"| {name} | {artifact.metrics[name]:.4f} |" for name in SHOWN if name in artifact.metrics
    ]
    per_type = [
        f"| {name} | {value:.4f} |"
        for name, value in sorted(artifact.metrics.items())
        if name.startswith("f1_")
    ]
    parts = [
        f"# {artifact.task}",
        card.get("use", "No intended use was stated."),
        "## How it was made",
        _how(artifact, config, curve),
        f"Reproduce: `{card.get('command', command)}`",
        "## Data and licences",
        _licences(artifact),
        card.get("data", ""),
        "## Measured on held-out rows",
        _held_out(artifact.metrics, config),
        "\n".join(["| metric | value |", "|---|---|", *metrics, *per_type]),
        _calibration(artifact),
        _LIMITS,
        card.get("limits", "Not stated."),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def joint_card(
    artifact: Artifact,
    config: FinetuneConfig,
    curve: Sequence[dict[str, float]],
    command: str,
) -> str:
    """The card of a joint artifact as Markdown: one pass, and what each task reaches; ``command``
    as :func:`model_card` has it."""
    card = config.card
    parts = [
        f"# {artifact.task}",
        card.get("use", "No intended use was stated."),
        f"One encoder answers for {', '.join(artifact.settings['tasks'])} in a single pass.",
        "## How it was made",
        _how(artifact, config, curve),
        f"Reproduce: `{card.get('command', command)}`",
        "## Data and licences",
        _licences(artifact),
        card.get("data", ""),
    ]
    for task, own in artifact.settings["tasks"].items():
        numbers = [
            f"| {name} | {value:.4f} |"
            for name, value in own["metrics"].items()
            if name in SHOWN or name.startswith(("f1_", "cosine", "neighbours"))
        ]
        learning = artifact.settings["recipe"].get("learning", {}).get(task, {})
        parts += [
            f"## {task}, measured on held-out rows",
            "".join(f"`{name}` {value}. " for name, value in learning.items()).strip(),
            _held_out(own["metrics"], config),
            "\n".join(["| metric | value |", "|---|---|", *numbers]),
            _calibration(replace(artifact, **{name: own[name] for name in _CALIBRATED})),
        ]
    parts += [_LIMITS, card.get("limits", "Not stated.")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _licences(artifact: Artifact) -> str:
    """The data sets that the weights learned from, whatever the steps, with their licences."""
    stated = stated_licences(artifact.data)
    return "\n".join(f"- {name}: {licence or 'not stated'}" for name, licence in stated)


def with_served(card: str, artifact: Artifact, told: Mapping[str, Mapping[str, Any]]) -> str:
    """The card with a part on what the served graph reaches, instead of the one that it has.

    ``told`` is, by task, what :mod:`ml.runs.served` measured.
    """
    before, _, limits = card.partition(f"{_LIMITS}\n")
    before = before.partition(f"{_SERVED}\n")[0]
    tasks = artifact.settings.get("tasks", {})
    parts = [before.strip(), *([_SERVED] if told else [])]
    for task, served in told.items():
        trained = tasks[task]["metrics"] if task in tasks else artifact.metrics
        of = f" of {task}" if task in tasks else ""
        parts.append(_as_served(served, trained, of))
    return "\n\n".join([*parts, f"{_LIMITS}\n{limits}"])


def _as_served(served: Mapping[str, Any], trained: Mapping[str, float], of: str) -> str:
    graph = f"The graph that is built for serving ({served['precision']})"
    if "alike" in served:
        return (
            f"{graph} answers {served['alike']:.1%} as the stored weights do in 32 bits, on the "
            f"{served['rows']:,} held-out rows{of}."
        )
    rows = [
        f"| {name} | {trained[name]:.4f} | {value:.4f} |"
        for name, value in served["metrics"].items()
        if name in trained
    ]
    said = f"{graph} on the same {served['rows']:,} rows{of}, beside the weights as trained:"
    return "\n".join([said, "", "| metric | as trained | as served |", "|---|---|---|", *rows])


def _held_out(metrics: Mapping[str, float], config: FinetuneConfig) -> str:
    """Which rows the measures are of, and whether the stored weights were trained on them too."""
    trained = (
        "not trained on by the model that was measured. The shipped weights were then trained "
        "in the same way on all rows, these included; temperature, thresholds and numbers are "
        "those of the measured model."
    )
    told = trained if config.refit else "never trained on."
    return f"{int(metrics.get('n', 0)):,} rows, split by text, {told}"


def _calibration(artifact: Artifact) -> str:
    if artifact.kind == "embedding":
        return ""
    thresholds = ", ".join(f"{k} {v:.3f}" for k, v in artifact.thresholds.items()) or "none"
    return f"Temperature {artifact.temperature:.3f}; thresholds {thresholds}."


def _objective(artifact: Artifact, config: FinetuneConfig) -> str:
    """What the loss was, where it is not plain cross-entropy, and what kept the model from learning
    its rows by heart; ends in a comma."""
    if artifact.kind == "embedding":
        parts = [f"{config.pair_loss.replace('_', ' ')} loss", *_regularisers(config)]
    else:
        parts = [*_loss_parts(artifact, config), *_regularisers(config), *_head(config)]
    return "".join(f"{part}, " for part in parts)


def _loss_parts(artifact: Artifact, config: FinetuneConfig) -> list[str]:
    parts = []
    if config.loss == "focal":
        parts.append(f"focal loss (gamma {config.focal_gamma:g})")
    elif config.loss == "crf":
        parts.append("the likelihood of whole sentences (CRF)")
    elif config.label_smoothing:
        parts.append(f"label smoothing {config.label_smoothing:g}")
    if config.class_weights != "none":
        parts.append(f"classes weighted by their {config.class_weights} number of rows")
    if teachers := artifact.settings.get("teachers"):
        share = distillation(config.distil).weight  # type: ignore[union-attr]
        parts.append(
            f"{share:.0%} of the loss from {len(teachers)} teachers ({', '.join(teachers)})"
        )
    if config.contrast:
        parts.append(f"a supervised contrastive share of {config.contrast:g}")
    return parts


def _regularisers(config: FinetuneConfig) -> list[str]:
    parts = {
        f"R-Drop of weight {config.r_drop:g}": config.r_drop,
        f"mixup of alpha {config.mixup:g}": config.mixup,
        f"{config.adversary.upper()} of norm {config.adversary_norm:g}": config.adversary != "none",
        f"the mean of the weights at decay {config.ema:g}": config.ema,
        f"the mean of the weights over the last {config.swa:.0%} of the steps": config.swa,
        f"{config.strength:.0%} of the change kept": config.strength < 1,
    }
    return [part for part, used in parts.items() if used]


def _head(config: FinetuneConfig) -> list[str]:
    """How the head of a classifier begins and what it reads, where that is not the usual."""
    parts = {
        "a head that starts at the classes' centroids": config.head_start == "centroids",
        "a head that starts as a logistic regression": config.head_start == "logistic",
        "the labels' names as rows": config.label_names,
        "vectors of one length for the head": config.pooling == "normalised_mean",
    }
    return [part for part, used in parts.items() if used]


def _how(artifact: Artifact, config: FinetuneConfig, curve: Sequence[dict[str, float]]) -> str:
    settings = [f"{name} {value}" for name, value in artifact.method.items() if name != "name"]
    method = artifact.method["name"] + (f" ({', '.join(settings)})" if settings else "")
    trained = int(artifact.metrics.get("trainable_parameters", 0))
    rows = sum(source.rows for source in artifact.data)
    loss = f"; final training loss {curve[-1]['loss']:.3f}" if curve else ""
    soup = [f"{one['share']:g} of {one['version']}" for one in artifact.settings.get("soup", ())]
    mean = f"The mean of the weights of {len(soup)} runs ({', '.join(soup)}). " if soup else ""
    return (
        f"{mean}Base encoder {artifact.encoder.name} "
        f"(SHA-256 `{artifact.encoder.sha256[:16]}...`), "
        f"method {method}, {config.epochs:g} epochs, batches of {config.batch_size}, "
        f"learning rate {config.rate:g} ({config.schedule}, {config.warmup:.0%} warmup), "
        f"{_objective(artifact, config)}at most {config.max_length} tokens, seed {config.seed}. "
        f"{trained:,} parameters were trained on {rows:,} rows in "
        f"{artifact.metrics.get('minutes', 0):g} minutes on "
        f"{config.card.get('machine', 'a CPU')}{loss}. {_remembered(artifact.settings)}"
        f"{footprint(artifact.metrics)}"
    )


def _remembered(settings: Mapping[str, Any]) -> str:
    """What a classifier remembers of its rows, if it does; ends in a space."""
    memory = settings.get("memory")
    if not memory:
        return ""
    return (
        f"It remembers {memory['rows']:,} rows by their vectors, which make up "
        f"{memory['share']:.0%} of its answers. "
    )


def footprint(metrics: Mapping[str, float]) -> str:
    """Energy and carbon of the training, by time and threads; an estimate, as it says."""
    threads = torch.get_num_threads()
    hours = metrics.get("minutes", 0.0) / 60
    watt_hours = hours * threads * WATTS_A_THREAD
    grams = watt_hours / 1000 * GRAMS_A_KWH
    return (
        f"That is about {watt_hours:.2g} Wh and {grams:.2g} g of CO2e, if each of {threads} "
        f"threads takes {WATTS_A_THREAD:g} W and a kWh stands for {GRAMS_A_KWH:g} g, the mean of "
        "the world's grids in 2019 (IEA)."
    )
