"""Endpoints of what companies are called and when."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import JobSerializer
from apps.core.models import Job
from apps.market.access import AnalystView, validated
from apps.market.models import DatedName
from apps.market.selectors.companies import company_get
from apps.market.services.dated_names import (
    DatedNameInput,
    dated_name_add,
    dated_name_delete,
    dated_names_import,
)


class DatedNameSerializer(serializers.ModelSerializer[DatedName]):
    class Meta:
        model = DatedName
        fields = ["id", "company", "kind", "name", "valid_from", "valid_to"]
        read_only_fields = fields


class DatedNameBody(serializers.Serializer[Any]):
    kind = serializers.CharField()
    name = serializers.CharField(max_length=200)
    valid_from = serializers.DateField(required=False, allow_null=True)
    valid_to = serializers.DateField(required=False, allow_null=True)


class DatedNameResult(DatedNameSerializer):
    job = JobSerializer(allow_null=True, help_text="links the stored news by it")

    class Meta(DatedNameSerializer.Meta):
        fields = [*DatedNameSerializer.Meta.fields, "job"]
        read_only_fields = fields


class DatedNameFile(serializers.Serializer[Any]):
    file = serializers.FileField()


class DatedNamesView(AnalystView):
    """What a company is called and from when to when; POST adds a name."""

    serializer_class = DatedNameSerializer

    @extend_schema(responses=DatedNameSerializer(many=True))
    def get(self, request: Request, company_id: int) -> Response:
        company = company_get(company_id=company_id)
        found = DatedNameSerializer(company.dated_names.all(), many=True)
        return Response({"results": found.data})

    @extend_schema(request=DatedNameBody, responses={201: DatedNameResult})
    def post(self, request: Request, company_id: int) -> Response:
        data = validated(DatedNameBody(data=request.data))
        wanted = DatedNameInput(**{"valid_from": None, "valid_to": None, **data})
        name, job = dated_name_add(actor=request.user, company_id=company_id, wanted=wanted)
        return Response({**DatedNameSerializer(name).data, "job": _told(job)}, status=201)


class DatedNameView(AnalystView):
    """DELETE forgets when a company was called so, and tells the job that links the news."""

    @extend_schema(responses={202: JobSerializer})
    def delete(self, request: Request, name_id: int) -> Response:
        job = dated_name_delete(actor=request.user, name_id=name_id)
        return Response(_told(job), status=202)


class DatedNameImportView(AnalystView):
    """Import names with their days: CSV ``ticker,kind,name,valid_from,valid_to``."""

    @extend_schema(
        operation_id="market_companies_names_import",
        request={"multipart/form-data": DatedNameFile},
        responses=OpenApiTypes.OBJECT,
    )
    def post(self, request: Request) -> Response:
        data = validated(DatedNameFile(data=request.data))
        added, job = dated_names_import(actor=request.user, upload=data["file"])
        return Response({"added": added, "job": _told(job)})


def _told(job: Job | None) -> dict[str, Any] | None:
    return dict(JobSerializer(job).data) if job else None
