"""Endpoints of alerts and rules, each its owner's alone."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market import alert_serializers
from apps.market.access import AnalystView, validated
from apps.market.payloads import alert_payload, person_payload
from apps.market.selectors import alerts
from apps.market.selectors.backtest import rule_history
from apps.market.selectors.people import colleague_list
from apps.market.selectors.timeline import timeline
from apps.market.services import alerts as alert_services
from apps.market.services import rules
from apps.market.services.escalation import alert_assign
from apps.market.wording import rule_sentence


class NewestAlerts(CursorPagination):
    ordering = ("-created_at", "-id")
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class AlertListView(AnalystView):
    """The caller's alerts, newest first.

    ``state``: new, acknowledged or resolved; ``quiet``: why they did not ring (silenced, held,
    digest, throttled), or empty for those that did.
    """

    serializer_class = alert_serializers.AlertSerializer

    @extend_schema(
        parameters=[OpenApiParameter("state"), OpenApiParameter("quiet")],
        responses=alert_serializers.AlertSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        pages = NewestAlerts()
        found = alerts.alert_list(
            owner=request.user,
            state=request.query_params.get("state", ""),
            quiet=request.query_params.get("quiet"),
        )
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response([alert_payload(alert) for alert in page or []])


class AlertAcknowledgeView(AnalystView):
    """Mark one of the caller's alerts as seen, with a note if there is one."""

    serializer_class = alert_serializers.AlertSerializer

    @extend_schema(request=alert_serializers.AcknowledgeInput)
    def post(self, request: Request, alert_id: int) -> Response:
        data = validated(alert_serializers.AcknowledgeInput(data=request.data or {}))
        alert = alert_services.alert_acknowledge(actor=request.user, alert_id=alert_id, **data)
        return Response(alert_payload(alert))


class AlertsAcknowledgeView(AnalystView):
    """Mark all of the caller's new alerts as seen, those that a silence keeps quiet apart."""

    @extend_schema(
        operation_id="market_alerts_acknowledge_all",
        request=None,
        responses=alert_serializers.Acknowledged,
    )
    def post(self, request: Request) -> Response:
        number = alert_services.alerts_acknowledge_all(actor=request.user)
        return Response({"acknowledged": number})


class AlertResolveView(AnalystView):
    """Close one of the caller's alerts, with a reason if there is one."""

    serializer_class = alert_serializers.AlertSerializer

    @extend_schema(request=alert_serializers.ResolveInput)
    def post(self, request: Request, alert_id: int) -> Response:
        data = validated(alert_serializers.ResolveInput(data=request.data or {}))
        alert = alert_services.alert_resolve(actor=request.user, alert_id=alert_id, **data)
        return Response(alert_payload(alert))


class AlertView(AnalystView):
    """One of the caller's alerts with its timeline: all that happened to it."""

    serializer_class = alert_serializers.AlertSerializer

    def get(self, request: Request, alert_id: int) -> Response:
        alert = alerts.alert_get(owner=request.user, alert_id=alert_id)
        told = [item.payload() for item in timeline(alert=alert)]
        return Response({**alert_payload(alert), "timeline": told})


class AlertAssignView(AnalystView):
    """Give one of the caller's alerts to another analyst, or (``null``) to nobody."""

    serializer_class = alert_serializers.AlertSerializer

    @extend_schema(request=alert_serializers.AssignInput)
    def post(self, request: Request, alert_id: int) -> Response:
        data = validated(alert_serializers.AssignInput(data=request.data))
        alert = alert_assign(actor=request.user, alert_id=alert_id, **data)
        return Response(alert_payload(alert))


class ColleagueListView(AnalystView):
    """The analysts whom an alert may be assigned to."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        found = colleague_list(of=request.user)
        return Response({"results": [person_payload(person) for person in found]})


class AlertRateView(AnalystView):
    """Say that one of the caller's alerts was ``useful`` or ``noise``."""

    serializer_class = alert_serializers.AlertSerializer

    @extend_schema(request=alert_serializers.VerdictInput)
    def post(self, request: Request, alert_id: int) -> Response:
        data = validated(alert_serializers.VerdictInput(data=request.data))
        alert = alert_services.alert_rate(actor=request.user, alert_id=alert_id, **data)
        return Response(alert_payload(alert))


def _wanted(data: dict[str, Any], start: rules.RuleInput) -> rules.RuleInput:
    if "company" in data:
        data["company_id"] = data.pop("company")
    return replace(start, **data)


class RuleListView(AnalystView):
    """The caller's rules."""

    serializer_class = alert_serializers.RuleSerializer

    @extend_schema(responses=alert_serializers.RuleSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = alerts.rule_list(owner=request.user)
        return Response({"results": alert_serializers.RuleSerializer(found, many=True).data})

    @extend_schema(request=alert_serializers.RuleInputSerializer)
    def post(self, request: Request) -> Response:
        data = validated(alert_serializers.RuleInputSerializer(data=request.data))
        rule = rules.rule_create(actor=request.user, wanted=_wanted(data, rules.RuleInput()))
        return Response(alert_serializers.RuleSerializer(rule).data, status=201)


class RulePreviewView(AnalystView):
    """What a rule would have done in the last 30 days, without saving it."""

    serializer_class = alert_serializers.RulePreview

    @extend_schema(request=alert_serializers.RuleInputSerializer)
    def post(self, request: Request) -> Response:
        data = validated(alert_serializers.RuleInputSerializer(data=request.data))
        draft = rules.rule_draft(wanted=_wanted(data, rules.RuleInput()), owner=request.user)
        history = rule_history(rule=draft)
        return Response(
            {
                "sentence": rule_sentence(draft),
                "days": history.days,
                "alerts": history.alerts,
                "alerts_a_week": round(history.a_week, 1),
                "repeats_suppressed": history.repeats,
                "rests_suppressed": history.rested,
                "expected_wrong": history.wrong,
                "lead": asdict(history.lead),
                "examples": [example.title for example in history.examples],
                "passages": [example.passage for example in history.examples if example.passage],
                "meaning": asdict(history.sense) if history.sense else None,
            }
        )


class RuleView(AnalystView):
    """One of the caller's rules; PATCH changes the given fields."""

    serializer_class = alert_serializers.RuleSerializer

    def get(self, request: Request, rule_id: int) -> Response:
        rule = rules.rule_own(actor=request.user, rule_id=rule_id)
        return Response(alert_serializers.RuleSerializer(rule).data)

    @extend_schema(request=alert_serializers.RuleInputSerializer)
    def patch(self, request: Request, rule_id: int) -> Response:
        data = validated(alert_serializers.RuleInputSerializer(data=request.data, partial=True))
        rule = rules.rule_own(actor=request.user, rule_id=rule_id)
        wanted = _wanted(data, rules.rule_input(rule))
        rule = rules.rule_update(actor=request.user, rule_id=rule_id, wanted=wanted)
        return Response(alert_serializers.RuleSerializer(rule).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, rule_id: int) -> Response:
        rules.rule_delete(actor=request.user, rule_id=rule_id)
        return Response(status=204)
