"""The finder of personal data as a predictor, over that of a tagger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import cast

from ml.entities.personal import KINDS, PII_TASK, personal_data
from ml.serving.protocol import Predictor
from ml.types import PersonalData, Tagging


class PersonalDataPredictor:
    """Texts to the personal data in them; ``today`` is asked for with each call, ``region`` is the
    country (ISO 3166-1) of phone numbers without its code."""

    def __init__(
        self,
        tagger: Predictor,
        today: Callable[[], date] = date.today,
        *,
        region: str = "GB",
    ) -> None:
        self.info = replace(tagger.info, task=PII_TASK, kind="spans", labels=KINDS)
        self._tagger = tagger
        self._today = today
        self._region = region

    def predict(self, texts: Sequence[str]) -> list[PersonalData]:
        today = self._today()
        taggings = cast(Sequence[Tagging], self._tagger.predict(texts))
        return [
            personal_data(text, tagging, today=today, region=self._region)
            for text, tagging in zip(texts, taggings, strict=True)
        ]
