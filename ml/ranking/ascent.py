"""Ascends to the weights that foresee best, on one half of the readers after the other.

One ascent on all readers takes some of what is chance for taste, the more the fewer readers there
are. So three times the readers are halved by lot, each half has an ascent of its own, and their
mean is taken (bagging, Breiman 1996; of halves, Bühlmann and Yu 2002). What each half finds is
tried on the other one, mixed with the part that foresees best alone: how far from it to go is what
foresees best there. A part that says all there is to say is thus hardly left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.ranking.blending import PARTS, Blend, only, weights_of
from ml.ranking.interactions import IntArray
from ml.ranking.settings import TasteSettings

_TIMES = 3
_MOST = 750  # readers of a half
_FACTORS = (0.0, 0.5, 0.7, 1.4, 2.0)
_LENDS = (4.0, 2.0, 1.0, 0.5)
_SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
_ROUNDS = 3
_LEAST_GAIN = 5e-4
_FIRST_SHARE = 0.1
"""The share of the others' highest score at which a part that weighs nothing is tried."""
_SEED = 13


@dataclass(frozen=True, slots=True)
class Ascent:
    """The weights, and what they reach (NDCG@10) on readers whom they were not fitted to."""

    settings: TasteSettings
    quality: float


def ascended(blend: Blend) -> Ascent:
    """The mean of the halves' ascents, drawn to the best single part as far as that helps."""
    lone = max((_alone(blend, name) for name in PARTS), key=blend.quality)
    lone = _of_unit(blend, lone)
    found: list[TasteSettings] = []
    mixed: list[list[float]] = []
    for own, other in _halves(len(blend.ideal)):
        half, rest = blend.of(own), blend.of(other)
        settings = _of_unit(blend, _climbed(half, _start(half, lone)))
        found.append(settings)
        mixed.append([rest.quality(_mixed(settings, lone, share)) for share in _SHARES])
    qualities = np.mean(mixed, axis=0)
    at = int(qualities.argmax())
    return Ascent(_mixed(_mean(found), lone, _SHARES[at]), float(qualities[at]))


def _halves(readers: int) -> list[tuple[IntArray, IntArray]]:
    generator, middle = np.random.default_rng(_SEED), readers // 2
    found = []
    for _ in range(_TIMES):
        order = generator.permutation(readers)
        one, other = np.sort(order[:middle][:_MOST]), np.sort(order[middle:][:_MOST])
        found += [(one, other), (other, one)]
    return found


def _start(blend: Blend, lone: TasteSettings) -> TasteSettings:
    starts = [blend.learned(lone.lend), replace(TasteSettings(), lend=lone.lend), lone]
    return max(starts, key=blend.quality)


def _alone(blend: Blend, name: str) -> TasteSettings:
    """One part alone, with what of it is best lent."""
    return max((only(name, lend=lend) for lend in (*_LENDS, 0.0)), key=blend.quality)


def _climbed(blend: Blend, settings: TasteSettings) -> TasteSettings:
    """From ``settings`` on, one weight after the other is changed while NDCG@10 grows.

    Coordinate ascent on the very metric (Metzler and Croft 2007).
    """
    steps = {name: _step(blend, settings, name) for name in PARTS}
    best = blend.quality(settings)
    for _ in range(_ROUNDS):
        before = best
        scores = blend.parts @ weights_of(settings)
        for name in PARTS:
            column = blend.parts @ (weights_of(only(name, lend=settings.lend)) - _FIXED)
            was = getattr(settings, name)
            for weight in (factor * steps[name] for factor in (*_FACTORS, 1.0)):
                quality = float(blend.gains_of(scores + (weight - was) * column).mean())
                if quality > best:
                    settings, best = replace(settings, **{name: weight}), quality
            scores += (getattr(settings, name) - was) * column
            steps[name] = getattr(settings, name) or steps[name]
        for lend in _LENDS:
            quality = blend.quality(replace(settings, lend=lend))
            if quality > best:
                settings, best = replace(settings, lend=lend), quality
        if best < before * (1 + _LEAST_GAIN):
            break
    return settings


_FIXED = weights_of(replace(TasteSettings(), fresh=0.0, **dict.fromkeys(PARTS, 0.0)))
"""What counts whatever the weights are."""


def _step(blend: Blend, settings: TasteSettings, name: str) -> float:
    own: float = getattr(settings, name)
    reached = max(blend.reach(only(name, lend=0.0)), 1e-9)
    return own or _FIRST_SHARE * blend.reach(settings) / reached


def _of_unit(blend: Blend, settings: TasteSettings) -> TasteSettings:
    """The same order of items, the highest scores being 1 on average."""
    reached = blend.reach(settings)
    return _scaled(settings, 1.0 / reached) if reached > 0 else settings


def _scaled(settings: TasteSettings, factor: float) -> TasteSettings:
    return replace(settings, **{name: factor * getattr(settings, name) for name in PARTS})


def _mean(found: Sequence[TasteSettings]) -> TasteSettings:
    names = (*PARTS, "lend")
    means = {name: float(np.mean([getattr(one, name) for one in found])) for name in names}
    return replace(found[0], **means)


def _mixed(one: TasteSettings, other: TasteSettings, share: float) -> TasteSettings:
    """``share`` of the one and the rest of the other."""
    names = (*PARTS, "lend")
    return replace(
        one,
        **{
            name: share * getattr(one, name) + (1.0 - share) * getattr(other, name)
            for name in names
        },
    )
