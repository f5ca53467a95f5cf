"""``companies/<id>/called/``: the other names of a company that are not dated."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import JobSerializer
from apps.core.models import Job
from apps.market.access import AnalystView, validated
from apps.market.models import Company
from apps.market.name_models import NAME_FIELDS
from apps.market.serializers import CompanySerializer
from apps.market.services.company_names import company_name_add, company_name_remove


class CalledInput(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=sorted(NAME_FIELDS))
    name = serializers.CharField(max_length=200)


class CalledResult(serializers.Serializer[Any]):
    company = CompanySerializer()
    job = JobSerializer(allow_null=True, help_text="links the stored news by it")


class CompanyCalledView(AnalystView):
    """POST lets a name mean a company, DELETE no more; later imports keep to it."""

    @extend_schema(request=CalledInput, responses={201: CalledResult})
    def post(self, request: Request, company_id: int) -> Response:
        asked = validated(CalledInput(data=request.data))
        company, job = company_name_add(actor=request.user, company_id=company_id, **asked)
        return Response(_told(company, job), status=201)

    @extend_schema(request=CalledInput, responses={202: CalledResult})
    def delete(self, request: Request, company_id: int) -> Response:
        asked = validated(CalledInput(data=request.data))
        company, job = company_name_remove(actor=request.user, company_id=company_id, **asked)
        return Response(_told(company, job), status=202)


def _told(company: Company, job: Job | None) -> dict[str, Any]:
    told = dict(JobSerializer(job).data) if job else None
    return {"company": CompanySerializer(company).data, "job": told}
