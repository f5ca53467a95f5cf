"""What detection would have found in stored news, had it been scored otherwise. Stores nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from apps.market.detection import Story, Watcher
from apps.market.models import Anomaly, Detector, Score
from apps.market.pooling import SURE
from apps.market.rescoring import TOPIC_TASK
from apps.market.selectors.anomalies import stories_before

Found = dict[tuple[int, int | None], list[Anomaly]]
"""What is unusual, by article and company."""

_OF_TOPICS = {Detector.Kind.RARE}
_OF_SENTIMENT = {Detector.Kind.SHIFT, Detector.Kind.DIVERGENCE}


def kinds_moved_by(task: str) -> set[Detector.Kind]:
    """The kinds of detection that look at what the model of ``task`` says."""
    return _OF_TOPICS if task == TOPIC_TASK else _OF_SENTIMENT


class Refinder:
    """Judges the stories that detection reads, up to a moment, by the present thresholds."""

    def __init__(self, until: datetime) -> None:
        self._stories = stories_before(at=until)
        self._thresholds = dict(Detector.objects.values_list("kind", "threshold"))

    def found(self, scores: Mapping[int, Sequence[Score]]) -> Found:
        """What is unusual when articles have these scores; others keep those that are stored."""
        found: Found = defaultdict(list)
        stories = [_as_scored(story, scores.get(story.article_id, ())) for story in self._stories]
        for one in Watcher(self._thresholds).watch(stories):
            key = (one.story.article_id, one.story.company_id)
            found[key].append(
                Anomaly(
                    kind=one.kind,
                    company_id=one.story.company_id,
                    article_id=one.story.article_id,
                    at=one.story.at,
                    score=one.score,
                    threshold=self._thresholds[one.kind],
                    value=one.value,
                    usual=one.usual,
                    topic=one.story.topic,
                )
            )
        return found


def _as_scored(story: Story, scores: Sequence[Score]) -> Story:
    for score in scores:
        if score.company_id == story.company_id:
            topic = score.topic if score.topic_confidence >= SURE else ""
            return replace(story, net=score.net, topic=topic)
    return story
