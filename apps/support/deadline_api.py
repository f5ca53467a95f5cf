"""The hours of the desk and what is promised within them, under ``/api/v1/support/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support import selectors, services
from apps.support.endpoints import Anything, require, valid
from apps.support.models import Conversation
from apps.support.payloads import calendar_payload, policy_payload


class HoursInput(serializers.Serializer[Any]):
    zone = serializers.CharField(max_length=60)
    week = serializers.DictField(
        child=serializers.CharField(max_length=200, allow_blank=True),
        help_text='weekday ("0" is Monday) to hours such as 09:00-12:30, 13:00-17:00',
    )
    holidays = serializers.DictField(
        child=serializers.CharField(max_length=60, allow_blank=True), default=dict
    )


class PolicyInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    team = serializers.IntegerField(allow_null=True, default=None, source="team_id")
    priority = serializers.ChoiceField(
        choices=Conversation.Priority.choices, allow_null=True, default=None
    )
    first_minutes = serializers.IntegerField(allow_null=True, default=None)
    next_minutes = serializers.IntegerField(allow_null=True, default=None)
    resolution_minutes = serializers.IntegerField(allow_null=True, default=None)


class HoursView(APIView):
    """When the desk is open."""

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        return Response(calendar_payload(selectors.calendar_row()))

    @extend_schema(request=HoursInput, responses=Anything)
    def put(self, request: Request) -> Response:
        require(request, "support.change_teams")
        values = valid(HoursInput, request)
        return Response(calendar_payload(services.hours_save(actor=signed_in(request), **values)))


class PolicyListView(APIView):
    """What is promised to customers, in minutes of working time."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        return Response([policy_payload(policy) for policy in selectors.policy_list()])

    @extend_schema(request=PolicyInput, responses=Anything)
    def post(self, request: Request) -> Response:
        return Response(_save(request, None), status=201)


class PolicyView(APIView):
    """One policy: replace it, delete it."""

    @extend_schema(request=PolicyInput, responses=Anything)
    def put(self, request: Request, policy_id: int) -> Response:
        return Response(_save(request, policy_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, policy_id: int) -> Response:
        require(request, "support.change_teams")
        services.policy_delete(policy_id=policy_id, actor=signed_in(request))
        return Response(status=204)


def _save(request: Request, policy_id: int | None) -> dict[str, Any]:
    require(request, "support.change_teams")
    values = valid(PolicyInput, request)
    return policy_payload(
        services.policy_save(policy_id=policy_id, actor=signed_in(request), **values)
    )


urlpatterns = [
    path("hours/", HoursView.as_view(), name="api-hours"),
    path("policies/", PolicyListView.as_view(), name="api-policies"),
    path("policies/<int:policy_id>/", PolicyView.as_view(), name="api-policy"),
]
