"""Teams, presence and transfers, under ``/api/v1/support/``."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.accounts.selectors import signed_in
from apps.core.errors import NotFound
from apps.support import selectors, services
from apps.support.endpoints import Anything, require, valid
from apps.support.models import Team
from apps.support.payloads import (
    MAX_TEXT,
    conversation_payload,
    duty_payload,
    team_payload,
)


class TeamInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    private = serializers.BooleanField(default=False)
    assignment = serializers.ChoiceField(
        choices=Team.Assignment.choices, default=Team.Assignment.HAND
    )
    matters = serializers.ListField(child=serializers.CharField(), default=list)
    takes_rest = serializers.BooleanField(default=False)
    member_ids = serializers.ListField(child=serializers.IntegerField(), default=list)


class TransferInput(serializers.Serializer[Any]):
    id = serializers.CharField(max_length=64)
    team = serializers.IntegerField(allow_null=True)
    assignee = serializers.IntegerField(allow_null=True, default=None)
    note = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, default="")


class PresenceInput(serializers.Serializer[Any]):
    away = serializers.BooleanField()


class DutyInput(serializers.Serializer[Any]):
    capacity = serializers.IntegerField()
    skills = serializers.ListField(child=serializers.CharField(), default=list)


class TeamListView(APIView):
    """Teams: their names for every operator, all of them for who may change them."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        whole = request.user.has_perm("support.change_teams")
        return Response([team_payload(team, whole=whole) for team in selectors.team_list()])

    @extend_schema(request=TeamInput, responses=Anything)
    def post(self, request: Request) -> Response:
        return Response(_save(request, None), status=201)


class TeamView(APIView):
    """One team: replace it, delete it."""

    @extend_schema(request=TeamInput, responses=Anything)
    def put(self, request: Request, team_id: int) -> Response:
        return Response(_save(request, team_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, team_id: int) -> Response:
        require(request, "support.change_teams")
        services.team_delete(team_id=team_id, actor=signed_in(request))
        return Response(status=204)


class TransferView(APIView):
    """Pass a conversation to a team, or to a person who may see it, with a private note."""

    @extend_schema(request=TransferInput, responses=Anything)
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        require(request, "support.handle_conversation")
        values = valid(TransferInput, request)
        conversation = services.conversation_transfer(
            conversation_id=conversation_id,
            operator=signed_in(request),
            team_id=values["team"],
            assignee_id=values["assignee"],
            note=values["note"],
            client_id=values["id"],
        )
        return Response(conversation_payload(conversation))


class PresenceView(APIView):
    """Who is on duty; and one's own word on it."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        people = selectors.colleagues()
        return Response([duty_payload(one, selectors.presence_of(one)) for one in people])

    @extend_schema(request=PresenceInput, responses=Anything)
    def put(self, request: Request) -> Response:
        require(request, "support.handle_conversation")
        operator = signed_in(request)
        away = valid(PresenceInput, request)["away"]
        services.presence_set(operator=operator, away=away)
        return Response(duty_payload(operator, "away" if away else "online"))


class DutyView(APIView):
    """How many conversations an operator is dealt, and the matters that they know."""

    @extend_schema(request=DutyInput, responses=Anything)
    def put(self, request: Request, operator_id: int) -> Response:
        require(request, "support.change_teams")
        people: dict[int, User] = {one.pk: one for one in selectors.colleagues()}
        if operator_id not in people:
            raise NotFound("There is no such operator.", code="operator_not_found")
        operator = people[operator_id]
        values = valid(DutyInput, request)
        operator.duty = services.duty_set(
            operator=operator,
            actor=signed_in(request),
            capacity=values["capacity"],
            skills=values["skills"],
        )
        return Response(duty_payload(operator, selectors.presence_of(operator)))


def _save(request: Request, team_id: int | None) -> dict[str, Any]:
    require(request, "support.change_teams")
    team = services.team_save(
        team_id=team_id, actor=signed_in(request), **valid(TeamInput, request)
    )
    return team_payload(team, whole=True)


urlpatterns = [
    path("teams/", TeamListView.as_view(), name="api-teams"),
    path("teams/<int:team_id>/", TeamView.as_view(), name="api-team"),
    path("conversations/<uuid:conversation_id>/transfer/", TransferView.as_view()),
    path("presence/", PresenceView.as_view(), name="api-presence"),
    path("operators/<int:operator_id>/", DutyView.as_view(), name="api-duty"),
]
