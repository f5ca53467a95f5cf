"""Endpoints of one's own layouts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.models import Layout
from apps.market.services.layouts import layout_delete, layout_save


class LayoutSerializer(serializers.ModelSerializer[Layout]):
    class Meta:
        model = Layout
        fields = ["id", "name", "path", "view", "saved_at"]
        read_only_fields = fields


class LayoutInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    path = serializers.CharField(max_length=2000)
    view = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


class LayoutListView(AnalystView):
    """The caller's layouts; POST saves one, in place of that of the same name."""

    serializer_class = LayoutSerializer

    @extend_schema(responses=LayoutSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = Layout.objects.filter(owner=request.user.pk)
        return Response({"results": LayoutSerializer(found, many=True).data})

    @extend_schema(request=LayoutInput)
    def post(self, request: Request) -> Response:
        data = validated(LayoutInput(data=request.data))
        layout = layout_save(actor=request.user, **data)
        return Response(LayoutSerializer(layout).data, status=201)


class LayoutView(AnalystView):
    """DELETE forgets a layout of the caller's."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, layout_id: int) -> Response:
        layout_delete(actor=request.user, layout_id=layout_id)
        return Response(status=204)
