"""Groups of matters and the errors promised for them, under ``/api/v1/support/promises/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support.endpoints import Anything, require, valid
from apps.support.promise_payloads import group_payload, promises_payload
from apps.support.services import promises as services


class GroupInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    intents = serializers.ListField(child=serializers.CharField(max_length=120), max_length=500)
    error = serializers.FloatField(
        allow_null=True,
        default=None,
        help_text="the share of wrong answers that is acceptable, in (0, 0.5]; null: none promised",
    )


class PromisesView(APIView):
    """Every group, what its promise costs and how it is kept; notices; add a group."""

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        return Response(promises_payload())

    @extend_schema(request=GroupInput, responses=Anything)
    def post(self, request: Request) -> Response:
        return Response(_save(request, None), status=201)


class PromiseView(APIView):
    """One group: replace it, delete it."""

    @extend_schema(request=GroupInput, responses=Anything)
    def put(self, request: Request, group_id: int) -> Response:
        return Response(_save(request, group_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, group_id: int) -> Response:
        require(request, "support.change_promises")
        services.group_delete(group_id=group_id, actor=signed_in(request))
        return Response(status=204)


def _save(request: Request, group_id: int | None) -> dict[str, Any]:
    require(request, "support.change_promises")
    values = valid(GroupInput, request)
    return group_payload(services.group_save(group_id=group_id, actor=signed_in(request), **values))


urlpatterns = [
    path("promises/", PromisesView.as_view(), name="api-promises"),
    path("promises/<int:group_id>/", PromiseView.as_view(), name="api-promise"),
]
