"""Flows under ``/api/v1/support/flows/``, for team leads."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import NotAllowed
from apps.support import selectors, services
from apps.support.endpoints import Anything, body_of
from apps.support.flow_outline import outlined
from apps.support.flows.reading import MAX_SOURCE, read_flow
from apps.support.flows.wrong import FlowInvalid
from apps.support.models import FlowVersion, StoredFlow

_PERMISSION = "support.change_flows"
_ACTIONS = {"test": services.flow_test, "publish": services.flow_publish}


class SourceInput(serializers.Serializer[Any]):
    source = serializers.CharField(  # type: ignore[assignment]
        trim_whitespace=False, max_length=MAX_SOURCE, help_text="a flow in YAML"
    )


class PreviewInput(SourceInput):
    says = serializers.ListField(
        child=serializers.CharField(max_length=500),
        min_length=1,
        max_length=services.MOST_SAID,
        help_text="what the customer writes, message by message",
    )


class SwitchInput(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()


class FlowsView(APIView):
    """All flows; posting YAML stores it as the next draft of the flow that it names."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        _lead(request)
        return Response(
            [
                {
                    **_flow(row.flow),
                    "latest": _version(row.latest),
                    "published": _version(row.published) if row.published else None,
                    "running": row.running,
                }
                for row in selectors.flow_list()
            ]
        )

    @extend_schema(request=SourceInput, responses={201: Anything})
    def post(self, request: Request) -> Response:
        _lead(request)
        body = _valid(SourceInput, request)
        version = services.flow_save(source=body["source"], author=signed_in(request))
        return Response(_version(version), status=201)


class FlowCheckView(APIView):
    """What is wrong with a text, all of it; the flow's outline when nothing is."""

    @extend_schema(request=SourceInput, responses=Anything)
    def post(self, request: Request) -> Response:
        _lead(request)
        try:
            flow = read_flow(_valid(SourceInput, request)["source"])
        except FlowInvalid as wrong:
            return Response({"problems": [one.as_dict() for one in wrong.problems], "flow": None})
        return Response({"problems": [], "flow": outlined(flow)})


class FlowPreviewView(APIView):
    """A conversation with a text that need not be stored, without side effects."""

    @extend_schema(request=PreviewInput, responses=Anything)
    def post(self, request: Request) -> Response:
        _lead(request)
        body = _valid(PreviewInput, request)
        exchanges = services.flow_preview(source=body["source"], says=body["says"])
        return Response([exchange.as_dict() for exchange in exchanges])


class FlowView(APIView):
    """One flow with its versions; posting switches it on or off."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, name: str) -> Response:
        _lead(request)
        flow = selectors.flow_get(name=name)
        return Response({**_flow(flow), "versions": [_version(v) for v in flow.versions.all()]})

    @extend_schema(operation_id="support_flows_switch", request=SwitchInput, responses=Anything)
    def post(self, request: Request, name: str) -> Response:
        _lead(request)
        enabled = _valid(SwitchInput, request)["enabled"]
        flow = services.flow_switch(name=name, enabled=enabled, actor=signed_in(request))
        return Response(_flow(flow))


class FlowVersionView(APIView):
    """One version with its text."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, name: str, number: int) -> Response:
        _lead(request)
        version = selectors.flow_version_get(name=name, number=number)
        return Response({**_version(version), "source": version.source})


class FlowActionView(APIView):
    """Test a version by the rehearsals in it, or publish a tested one."""

    @extend_schema(request=None, responses=Anything)
    def post(self, request: Request, name: str, number: int, action: str) -> Response:
        _lead(request)
        version = selectors.flow_version_get(name=name, number=number)
        done = _ACTIONS[action](version_id=version.pk, actor=signed_in(request))
        return Response(_version(done))


def _lead(request: Request) -> None:
    if not request.user.has_perm(_PERMISSION):
        raise NotAllowed("This needs the role of a team lead.")


def _valid(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=body_of(request))
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


def _flow(flow: StoredFlow) -> dict[str, Any]:
    return {"name": flow.name, "title": flow.title, "enabled": flow.enabled}


def _version(version: FlowVersion) -> dict[str, Any]:
    return {
        "flow": version.flow.name,
        "number": version.number,
        "state": version.state,
        "problems": version.problems,
        "created_at": version.created_at.isoformat(),
    }


urlpatterns = [
    path("flows/", FlowsView.as_view(), name="api-flows"),
    path("flows/check/", FlowCheckView.as_view(), name="api-flow-check"),
    path("flows/preview/", FlowPreviewView.as_view(), name="api-flow-preview"),
    path("flows/<slug:name>/", FlowView.as_view(), name="api-flow"),
    path("flows/<slug:name>/versions/<int:number>/", FlowVersionView.as_view()),
    *(
        path(
            f"flows/<slug:name>/versions/<int:number>/{action}/",
            FlowActionView.as_view(),
            {"action": action},
        )
        for action in _ACTIONS
    ),
]
