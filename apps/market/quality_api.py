"""The endpoint of how precise a rule is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView
from apps.market.selectors.precision import Quality, Replay, rule_quality, rule_replay
from apps.market.services.rules import rule_own


class RuleQualityView(AnalystView):
    """The precision of one of the caller's rules, and a threshold that would serve it better.

    A PATCH of the rule with that threshold applies it.
    """

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, rule_id: int) -> Response:
        rule = rule_own(actor=request.user, rule_id=rule_id)
        quality, replay = rule_quality(rule=rule), None
        if quality.proposal is not None:
            replay = rule_replay(rule=rule, threshold=quality.proposal.threshold)
        return Response(quality_payload(quality, replay))


def quality_payload(quality: Quality, replay: Replay | None = None) -> dict[str, Any]:
    """The quality of a rule as JSON."""
    precision, proposal = quality.precision, quality.proposal
    told: dict[str, Any] = {"precision": None, "proposal": None}
    if precision is not None:
        low, high = precision.interval
        told["precision"] = {
            "useful": precision.useful,
            "noise": precision.noise,
            "share": round(precision.share, 4),
            "interval": [round(low, 4), round(high, 4)],
        }
    if proposal is not None:
        told["proposal"] = {
            "threshold": proposal.threshold,
            "useful_kept": proposal.kept,
            "noise_dropped": proposal.dropped,
            "noise": proposal.noise,
        }
        if replay is not None:
            told["proposal"]["alerts"] = {
                "days": replay.now.days,
                "now": replay.now.alerts,
                "then": replay.then.alerts,
            }
    return told
