"""Orders of a queue of labelling that need more than what the live model is unsure of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.core import gateway
from apps.core.errors import Conflict
from apps.modelhub import profiles, selectors
from apps.modelhub.opinions import load_apart, one_at_a_time
from apps.modelhub.payloads import prediction_words
from ml.errors import MLError
from ml.monitoring.features import kernel_features, unknown_words
from ml.types import Prediction

_CHUNK = 64


def by_disagreement(
    task: str, texts: Sequence[str], found: Sequence[Prediction], doubt: Sequence[int]
) -> list[int]:
    """First the texts of which the newest other version says something else than the live one,
    each group in the order of ``doubt``.

    A committee of two (Seung et al. 1992). Raises ``Conflict`` where no other version is kept.
    """
    live = found[0].version
    others = [
        one
        for one in selectors.version_list()
        if one.task == task and one.artifact and one.version != live
    ]
    if not others:
        raise Conflict(
            "No other version of %(task)s is kept here to disagree.", code="one_version", task=task
        )
    other = max(others, key=lambda one: one.artifact.created_at if one.artifact else "")
    try:
        with one_at_a_time():
            predictor = load_apart(task, other.version)
            said = [
                prediction_words(one)
                for at in range(0, len(texts), _CHUNK)
                for one in predictor.predict(list(texts[at : at + _CHUNK]))
            ]
    except MLError as error:
        raise Conflict(
            "%(version)s of %(task)s cannot answer: %(error)s",
            version=other.version,
            task=task,
            error=error,
        ) from error
    differs = [prediction_words(one) != words for one, words in zip(found, said, strict=True)]
    return sorted(doubt, key=lambda index: not differs[index])


def by_drift(task: str, texts: Sequence[str], version: str) -> list[int]:
    """First the texts that are least like those that the live version was trained on.

    How unlike is the sum of two standard scores among these texts: the kernel likeness to the
    profile's mean, and the share of words that the training texts lack. Raises ``Conflict`` where
    nothing is known of the training texts.
    """
    profile = profiles.profile_of(task=task, version=version)
    if profile is None:
        raise Conflict(
            (
                "What %(version)s of %(task)s was trained on is not known here, so nothing is "
                "known of drift; choose another order."
            ),
            code="no_profile",
            version=version,
            task=task,
        )
    asked = profiles.read_as(profile)
    vectors = [
        one
        for at in range(0, len(texts), _CHUNK)
        for one in gateway.encode(texts[at : at + _CHUNK], task=profiles.ENCODER, version=asked)
    ]
    if {one.version for one in vectors} != {profile.encoder}:
        raise Conflict("The profile was made with another encoder; choose another order.")
    features = kernel_features(np.stack([one.vector for one in vectors]), profile.bandwidth)
    likeness = features @ profile.mean
    counts = [unknown_words([text], profile.known) for text in texts]
    unknown = np.array([lacking / max(1, words) for words, lacking in counts])
    unlike = _scores(unknown) - _scores(likeness)
    return [int(index) for index in np.argsort(-unlike, kind="stable")]


def _scores(values: np.ndarray) -> np.ndarray:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread else np.zeros(len(values))
