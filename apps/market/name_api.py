"""Endpoints of the names without a company."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import JobSerializer
from apps.market.access import AnalystView, validated
from apps.market.models import UnlinkedName
from apps.market.selectors import names
from apps.market.services.company_upload import companies_upload
from apps.market.services.names import alias_merge, name_dismiss, name_reopen


class UnlinkedNameSerializer(serializers.ModelSerializer[UnlinkedName]):
    class Meta:
        model = UnlinkedName
        fields = ["id", "name", "seen", "example", "state", "company", "decided_at", "last_seen_at"]
        read_only_fields = fields


class MergeInput(serializers.Serializer[None]):
    company = serializers.IntegerField()


class MergeResult(serializers.Serializer[None]):
    name = UnlinkedNameSerializer()
    job = JobSerializer()


class ReopenResult(serializers.Serializer[None]):
    name = UnlinkedNameSerializer()
    job = JobSerializer(allow_null=True)


class CompanyFile(serializers.Serializer[None]):
    file = serializers.FileField()


class CompanyImportResult(serializers.Serializer[None]):
    rows = serializers.IntegerField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    job = JobSerializer(allow_null=True, help_text="links the stored news by what is new")


class CompanyImportView(AnalystView):
    """Add and change companies: CSV or JSONL with ``ticker``, ``name`` and, if you like,
    ``exchange``, ``sector``, ``country``, ``aliases``, ``former_names``, ``brands`` (split by
    ``|``), ``delisted_on``."""

    serializer_class = CompanyImportResult

    @extend_schema(request={"multipart/form-data": CompanyFile})
    def post(self, request: Request) -> Response:
        data = validated(CompanyFile(data=request.data))
        report, job = companies_upload(actor=request.user, upload=data["file"])
        told = JobSerializer(job).data if job else None
        return Response({**asdict(report), "job": told}, status=202 if job else 200)


class NameListView(AnalystView):
    """The names that wait for a decision, the most frequent first (at most 200)."""

    serializer_class = UnlinkedNameSerializer

    @extend_schema(responses=UnlinkedNameSerializer(many=True))
    def get(self, request: Request) -> Response:
        waiting = names.waiting_names()
        found = UnlinkedNameSerializer(waiting[:200], many=True)
        return Response({"waiting": waiting.count(), "results": found.data})


class NameMergeView(AnalystView):
    """Make a name an alias of a company; a job links the history."""

    serializer_class = MergeResult

    @extend_schema(request=MergeInput)
    def post(self, request: Request, name_id: int) -> Response:
        data = validated(MergeInput(data=request.data))
        name, job = alias_merge(actor=request.user, name_id=name_id, company_id=data["company"])
        told = {"name": UnlinkedNameSerializer(name).data, "job": JobSerializer(job).data}
        return Response(told, status=202)


class NameDismissView(AnalystView):
    """Say that a name is no company's."""

    serializer_class = UnlinkedNameSerializer

    @extend_schema(request=None)
    def post(self, request: Request, name_id: int) -> Response:
        name = name_dismiss(actor=request.user, name_id=name_id)
        return Response(UnlinkedNameSerializer(name).data)


class NameReopenView(AnalystView):
    """Take back what was decided; a job takes the news from the company that it meant."""

    serializer_class = ReopenResult

    @extend_schema(request=None)
    def post(self, request: Request, name_id: int) -> Response:
        name, job = name_reopen(actor=request.user, name_id=name_id)
        told = JobSerializer(job).data if job else None
        return Response({"name": UnlinkedNameSerializer(name).data, "job": told}, status=202)
