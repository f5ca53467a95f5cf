"""``/api/v1/recommend/``: the file of one's data, and the check of a receipt."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import NotFound
from apps.recommend import serializers
from apps.recommend.api import READER, ReaderView
from apps.recommend.exporting import reader_export
from apps.recommend.forget_views import look_limited
from apps.recommend.traces import proof_of, proof_payload


class ExportView(ReaderView):
    """All that is kept of the caller, or (``?reader=``, administrators) of another reader."""

    @extend_schema(parameters=[READER], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        reader = self.reader(request, "view_reader")
        if reader is None:
            raise NotFound("Nothing is kept of this reader.", code="reader_not_found")
        return Response(reader_export(reader))


class ReceiptCheckView(APIView):
    """Look anew for what a receipt says was deleted; ``check`` is the text on the receipt."""

    permission_classes = [AllowAny]

    @extend_schema(request=serializers.CheckInput, responses=serializers.ReceiptSerializer)
    def post(self, request: Request) -> Response:
        look_limited(request)
        body = serializers.CheckInput(data=request.data)
        body.is_valid(raise_exception=True)
        seal = body.validated_data["check"]
        return Response(proof_payload(proof_of(seal), seal))


urlpatterns = [
    path("export/", ExportView.as_view(), name="api-recommend-export"),
    path("receipts/check/", ReceiptCheckView.as_view(), name="api-recommend-receipt-check"),
]
