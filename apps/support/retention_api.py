"""Rules of retention under ``/api/v1/support/retention/``, with what each would delete."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support.customer_payloads import preview_payload, rule_payload
from apps.support.endpoints import Anything, require, valid
from apps.support.models import RetentionRule
from apps.support.services import retention

_NEEDED = "support.change_retention"


class RuleInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=RetentionRule.Kind.choices)
    team = serializers.IntegerField(allow_null=True, default=None, source="team_id")
    days = serializers.IntegerField()
    keep_examples = serializers.BooleanField(default=True)
    enabled = serializers.BooleanField(default=False)


class RulesView(APIView):
    """All rules; add one."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, _NEEDED)
        return Response([rule_payload(rule) for rule in retention.rule_list()])

    @extend_schema(request=RuleInput, responses=Anything)
    def post(self, request: Request) -> Response:
        return Response(_save(request, None), status=201)


class RuleView(APIView):
    """One rule: replace it, delete it."""

    @extend_schema(request=RuleInput, responses=Anything)
    def put(self, request: Request, rule_id: int) -> Response:
        return Response(_save(request, rule_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, rule_id: int) -> Response:
        require(request, _NEEDED)
        retention.rule_delete(rule_id=rule_id, actor=signed_in(request))
        return Response(status=204)


class PreviewView(APIView):
    """What a rule would delete if it were applied now."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, rule_id: int) -> Response:
        require(request, _NEEDED)
        rule = retention.rule_get(rule_id=rule_id)
        return Response(preview_payload(retention.preview(rule=rule)))


def _save(request: Request, rule_id: int | None) -> dict[str, Any]:
    require(request, _NEEDED)
    values = valid(RuleInput, request)
    return rule_payload(retention.rule_save(rule_id=rule_id, actor=signed_in(request), **values))


urlpatterns = [
    path("retention/", RulesView.as_view(), name="api-retention"),
    path("retention/<int:rule_id>/", RuleView.as_view(), name="api-retention-rule"),
    path("retention/<int:rule_id>/preview/", PreviewView.as_view()),
]
