"""Endpoints that change which version is served, under ``/api/v1/models/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.modelhub import selectors
from apps.modelhub.access import require
from apps.modelhub.models import Promotion
from apps.modelhub.services import promotions
from apps.modelhub.services.shipped import shipped_take

_SHOWN = 200


class PromotionSerializer(serializers.ModelSerializer[Promotion]):
    actor = serializers.SerializerMethodField()

    class Meta:
        model = Promotion
        fields = [
            *("id", "task", "kind", "state", "before", "after", "reason", "overrides_gate"),
            *("problem", "run", "actor", "created_at"),
        ]
        read_only_fields = fields

    def get_actor(self, promotion: Promotion) -> str:
        return promotion.actor.display_name if promotion.actor else ""


class RollBackInput(serializers.Serializer[Any]):
    task = serializers.CharField(max_length=60)
    reason = serializers.CharField(
        max_length=promotions.MAX_REASON, required=False, allow_blank=True
    )
    expected = serializers.CharField(
        required=False, help_text="the version that you take to be live; refused if it is not"
    )


class PromotionInput(RollBackInput):
    version = serializers.CharField(max_length=100)
    override = serializers.BooleanField(
        default=False, help_text="against the gate; for administrators, with a reason"
    )


class PromotionListView(APIView):
    """What was served when, the last first; POST serves a version."""

    @extend_schema(responses=PromotionSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        found = selectors.promotion_list(task=request.query_params.get("task", ""))[:_SHOWN]
        return Response(PromotionSerializer(found, many=True).data)

    @extend_schema(request=PromotionInput, responses={201: PromotionSerializer})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.promote")
        body = PromotionInput(data=request.data)
        body.is_valid(raise_exception=True)
        done = promotions.version_promote(actor=signed_in(request), **body.validated_data)
        return Response(PromotionSerializer(done).data, status=201)


class NewerSerializer(serializers.Serializer[Any]):
    task = serializers.CharField()
    name = serializers.CharField(help_text="the shipped model; a joint one is of several tasks")
    version = serializers.CharField()
    live = serializers.CharField()
    built = serializers.BooleanField(help_text="whether it can be served at once")


class ShippedInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    reason = serializers.CharField(
        max_length=promotions.MAX_REASON, required=False, allow_blank=True
    )


class ShippedView(APIView):
    """Shipped versions that are newer than those served; POST serves one, for administrators."""

    @extend_schema(responses=NewerSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        return Response(NewerSerializer(selectors.newer_shipped(), many=True).data)

    @extend_schema(request=ShippedInput, responses={201: PromotionSerializer(many=True)})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.override_gate")
        body = ShippedInput(data=request.data)
        body.is_valid(raise_exception=True)
        done = shipped_take(actor=signed_in(request), **body.validated_data)
        return Response(PromotionSerializer(done, many=True).data, status=201)


class RollBackView(APIView):
    """Serve the version that was live before the present one."""

    @extend_schema(request=RollBackInput, responses={201: PromotionSerializer})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.promote")
        body = RollBackInput(data=request.data)
        body.is_valid(raise_exception=True)
        done = promotions.version_roll_back(actor=signed_in(request), **body.validated_data)
        return Response(PromotionSerializer(done).data, status=201)


urlpatterns = [
    path("promotions/", PromotionListView.as_view(), name="api-promotions"),
    path("promotions/shipped/", ShippedView.as_view(), name="api-shipped"),
    path("promotions/roll-back/", RollBackView.as_view(), name="api-roll-back"),
]
