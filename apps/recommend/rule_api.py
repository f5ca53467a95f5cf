"""``/api/v1/recommend/rules/``: the business rules."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput
from apps.recommend import selectors
from apps.recommend import team_serializers as serializers
from apps.recommend.index import snapshot
from apps.recommend.models import BusinessRule
from apps.recommend.rule_drafts import rule_draft
from apps.recommend.rule_preview import rule_preview, sample_reader, shown_fits
from apps.recommend.rule_words import rule_sentence
from apps.recommend.services.business_rules import rule_delete, rule_save
from apps.recommend.team_api import TeamView


def _shown(rule: BusinessRule) -> dict[str, Any]:
    found = {"sentence": rule_sentence(rule), "state": rule.state}
    return {"id": rule.pk, **rule.content(), **found, "fits": shown_fits(rule, snapshot())}


class RuleListView(TeamView):
    """All business rules, the first to count first; a new one by POST."""

    serializer_class = serializers.RuleSerializer

    @extend_schema(
        operation_id="recommend_rules_list", responses=serializers.RuleSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return Response([_shown(rule) for rule in BusinessRule.objects.all()])

    @extend_schema(request=serializers.RuleInput, responses={201: serializers.RuleSerializer})
    def post(self, request: Request) -> Response:
        rule = rule_save(actor=request.user, given=serializers.checked_rule(request.data))
        return Response(_shown(rule), status=201)


class RuleView(TeamView):
    """One business rule."""

    serializer_class = serializers.RuleSerializer

    def get(self, request: Request, rule_id: int) -> Response:
        return Response(_shown(get_object_or_404(BusinessRule, pk=rule_id)))

    @extend_schema(request=serializers.RuleInput)
    def put(self, request: Request, rule_id: int) -> Response:
        rule = get_object_or_404(BusinessRule, pk=rule_id)
        given = serializers.checked_rule(request.data)
        return Response(_shown(rule_save(actor=request.user, given=given, rule=rule)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, rule_id: int) -> Response:
        rule_delete(actor=request.user, rule=get_object_or_404(BusinessRule, pk=rule_id))
        return Response(status=204)


class RulePreviewView(TeamView):
    """What a rule would change on a reader's first row; nothing is stored."""

    serializer_class = serializers.RulePreviewSerializer

    @extend_schema(request=serializers.RuleInput)
    def post(self, request: Request) -> Response:
        given = serializers.checked_rule(request.data)
        reader, name = sample_reader(), given.get("reader")
        if name:
            reader = selectors.reader_named(name=name)
            if reader is None:
                raise InvalidInput("There is no reader %(name)r.", code="unknown_reader", name=name)
        found = rule_preview(rule_draft(given), reader)
        return Response(asdict(found))


urlpatterns = [
    path("rules/", RuleListView.as_view(), name="api-recommend-rules"),
    path("rules/preview/", RulePreviewView.as_view(), name="api-recommend-rule-preview"),
    path("rules/<int:rule_id>/", RuleView.as_view(), name="api-recommend-rule"),
]
