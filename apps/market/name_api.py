"""Endpoints of the names without a company."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import JobSerializer
from apps.market.access import AnalystView, validated
from apps.market.models import UnlinkedName
from apps.market.selectors import names
from apps.market.services.names import alias_merge, name_dismiss


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
