"""Endpoints of imported prices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.selectors.companies import company_get
from apps.market.selectors.prices import price_list
from apps.market.services.prices import prices_import

_DAYS = 366


class PriceFileInput(serializers.Serializer[Any]):
    file = serializers.FileField()


class PriceImportView(AnalystView):
    """Import closing prices: CSV ``ticker,date,close``, all or nothing."""

    @extend_schema(request={"multipart/form-data": PriceFileInput}, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        data = validated(PriceFileInput(data=request.data))
        return Response({"rows": prices_import(actor=request.user, upload=data["file"])})


class CompanyPricesView(AnalystView):
    """The closing prices of a company in the last year, oldest first."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, company_id: int) -> Response:
        today = timezone.now().date()
        company = company_get(company_id=company_id)
        prices = price_list(company=company, since=today - timedelta(days=_DAYS), until=today)
        rows = [{"date": day.isoformat(), "close": close} for day, close in prices]
        return Response({"results": rows})
