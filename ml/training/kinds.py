"""Which settings of a recipe mean nothing for a kind of task, or without another setting, so that
none is passed over."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ml.errors import TrainingError
from ml.training.config import LOW_RANK, FinetuneConfig
from ml.types import Kind
from ml.wording import Wording

_OF_RAW_TEXTS = ("mask", "deletion")
_OF_PAIRS = ("pair_loss", "similarity_scale", "triplet_margin", "keep_weight")
_OF_ONE_LABEL = ("mixup", "r_drop", "contrast", "class_rows", "label_names", "head_start", "memory")
_OF_CLASSES = (
    *("target_error", "in_scope_kept", "pseudo_by", "pseudo_error", "pseudo_per_class"),
    *("contrast_temperature", "memory_temperature"),
)
"""What only classification reads, those of :data:`_OF_ONE_LABEL` aside."""

_FOREIGN: dict[Kind, tuple[str, ...]] = {
    "classification": (*_OF_RAW_TEXTS, *_OF_PAIRS, "label_precision"),
    "multi_label": (*_OF_RAW_TEXTS, *_OF_PAIRS, *_OF_CLASSES, "focal_gamma"),
    "ner": (
        *(*_OF_RAW_TEXTS, *_OF_PAIRS, *_OF_ONE_LABEL, *_OF_CLASSES),
        *("long_texts", "pooling", "label_precision"),
    ),
    "embedding": (
        *(*_OF_RAW_TEXTS, *_OF_ONE_LABEL, *_OF_CLASSES),
        *("loss", "label_smoothing", "focal_gamma", "class_weights", "effective_beta", "dropout"),
        *("long_texts", "pooling", "label_precision", "patience", "best_by", "augment", "start"),
    ),
}
"""Settings that are for other kinds, those of :func:`check_kind` aside."""

_OF_SINGLE_LABELS = ("class_rows", "contrast", "label_names", "memory", "r_drop", "start")
"""Settings that suppose that a text has one label."""


_ONLY_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "label_smoothing": ("loss", ("cross_entropy",)),
    "focal_gamma": ("loss", ("focal",)),
    "effective_beta": ("class_weights", ("effective",)),
    "contrast_temperature": ("contrast", ()),
    "memory_temperature": ("memory", ()),
    "similarity_scale": ("pair_loss", ("multiple_negatives",)),
    "triplet_margin": ("pair_loss", ("triplet",)),
    "adversary_norm": ("adversary", ("fgm", "pgd")),
    "adversary_steps": ("adversary", ("pgd",)),
    "adversary_rate": ("adversary", ("pgd",)),
    "best_by": ("patience", ()),
}
"""Settings that count only where another one has one of some values, or, with none named, is above
0."""

SHORT = {"rank": "rank", "alpha": "alpha", "adapter_dropout": "dropout"}
"""Keys that are short for settings of the low-rank methods, and what their tables call these."""

_OF_UNLABELLED = ("pseudo_by", "pseudo_error", "pseudo_per_class")


def check_settings(config: FinetuneConfig, kind: Kind, *, unlabelled: bool = False) -> None:
    """Refuse a recipe that asks for what a run of this kind, with or without ``unlabelled`` texts,
    does not do; raises :class:`TrainingError` naming the settings."""
    if unlabelled and kind != "classification":
        raise TrainingError(f"unlabelled texts are for classification, not for {kind}")
    usual = _usual()
    foreign = [name for name in _FOREIGN[kind] if getattr(config, name) != usual[name]]
    if kind != "classification" and config.few_shot == "on":
        foreign.append("few_shot")
    if kind != "ner" and config.augment.get("entity"):
        foreign.append("augment.entity")
    if foreign:
        raise TrainingError(
            Wording(
                "%(names)s: of no meaning for the kind %(kind)s",
                names=", ".join(foreign),
                kind=kind,
            )
        )
    check_kind(config, kind)
    guessing = [name for name in _OF_UNLABELLED if getattr(config, name) != usual[name]]
    if guessing and (config.distil or not unlabelled):
        raise TrainingError(
            Wording(
                "%(names)s: only for unlabelled texts without teachers", names=", ".join(guessing)
            )
        )
    check_idle(config)


def check_kind(config: FinetuneConfig, kind: Kind) -> None:
    """Refuse what a kind cannot have for a reason that can be told; raises
    :class:`TrainingError`."""
    if kind == "classification":
        _check_classification(config)
    elif kind == "multi_label":
        _check_multi_label(config)
    elif kind == "ner":
        _check_tagging(config)


def _check_classification(config: FinetuneConfig) -> None:
    asked = {"the loss crf": config.loss == "crf", "start": bool(config.start)}
    for name in (name for name, wanted in asked.items() if wanted):
        raise TrainingError(Wording("%(name)s is for taggers, not for classification", name=name))


def _check_multi_label(config: FinetuneConfig) -> None:
    if config.loss != "cross_entropy":
        raise TrainingError(
            Wording(
                "multi_label learns by cross_entropy, that of each label, not by %(loss)s",
                loss=config.loss,
            )
        )
    refused = [name for name in _OF_SINGLE_LABELS if getattr(config, name)]
    if config.head_start != "random":
        refused.append("head_start")
    if config.strength < 1:
        refused.append("strength")
    if refused:
        raise TrainingError(
            Wording(
                "%(names)s: not for multi_label, where texts have several",
                names=", ".join(refused),
            )
        )


def _check_tagging(config: FinetuneConfig) -> None:
    if config.strength < 1:
        raise TrainingError(Wording("strength below 1 is for classifiers and sentence encoders"))
    if config.loss == "crf" and config.class_weights != "none":
        raise TrainingError(
            Wording("class_weights weigh tags one by one; the loss crf scores whole sentences")
        )


def check_strength(config: FinetuneConfig) -> None:
    """Refuse a classifier's recipe, as it fits its rows, that weakens what was trained and finds no
    head for that; raises :class:`TrainingError`."""
    if config.strength < 1 and config.head_start == "random":
        raise TrainingError(
            Wording("strength below 1 needs a head_start, by which the head is found")
        )


def _usual() -> dict[str, Any]:
    plain = FinetuneConfig()
    return {item.name: getattr(plain, item.name) for item in fields(plain)}


def check_idle(config: FinetuneConfig) -> None:
    """Refuse what counts only with another setting, which is otherwise; raises
    :class:`TrainingError` naming both.

    What a search changes is left out, as its trials need both, and so is what few rows may turn on.
    """
    usual = _usual()
    for name, (other, values) in _ONLY_WITH.items():
        value, has = getattr(config, name), getattr(config, other)
        if value in (usual[name], 0) or (has in values if values else has):
            continue
        if {name, other} & set(config.search) or (other == "memory" and config.few_shot != "off"):
            continue
        raise TrainingError(
            Wording(
                "%(name)s: counts only with %(wanted)s",
                name=name,
                wanted=f"{other} = {' or '.join(values)}" if values else f"{other} > 0",
            )
        )


def passed_over(config: FinetuneConfig) -> list[Wording]:
    """What the recipe says of low-rank methods and its own method does not read.

    It is told and not refused: the same recipe is tried with several methods.
    """
    usual = _usual()
    said = [name for name in SHORT if getattr(config, name) != usual[name] or name in config.stated]
    if config.method not in LOW_RANK:
        told = Wording(
            "The method %(method)s has no %(names)s: what the recipe says of it changes nothing.",
            method=config.method,
            names=", ".join(said),
        )
        return [told] if said else []
    own = config.methods.get(config.method, {})
    return [
        Wording(
            "The table [%(method)s] has a %(setting)s, which counts: %(name)s outside of it "
            "changes nothing.",
            method=config.method,
            setting=SHORT[name],
            name=name,
        )
        for name in said
        if SHORT[name] in own
    ]
