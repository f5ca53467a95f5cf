"""The base of the HTTP API: problem details, pagination, jobs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, pagination, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from apps.core import jobs
from apps.core.errors import NotFound, Problem
from apps.core.models import Job

PROBLEM_JSON = "application/problem+json"


class CursorPagination(pagination.CursorPagination):
    """Pages by a cursor on the newest first, stable while rows are added."""

    ordering = "-id"
    page_size_query_param = "page_size"
    max_page_size = 200


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every expected failure as a problem detail (RFC 9457) with a stable ``code``."""
    if isinstance(error, Problem):
        return _response(error.status, error.detail())
    response = exception_handler(error, context)
    if response is None:
        return None
    answer = _response(response.status_code, _body(error))
    for header in ("WWW-Authenticate", "Retry-After"):
        if header in response.headers:
            answer.headers[header] = response.headers[header]
    return answer


def _response(status: int, body: dict[str, Any]) -> Response:
    return Response({"status": status, **body}, status=status, content_type=PROBLEM_JSON)


def _body(error: Exception) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        fields = _flatten(error.detail)
        named = "; ".join(f"{name}: {text}" if name else text for name, text in fields.items())
        return {"code": "invalid_input", "detail": named, "fields": fields}
    if isinstance(error, Http404):
        return {"code": "not_found", "detail": "There is no such object."}
    if isinstance(error, PermissionDenied):
        return {"code": "not_allowed", "detail": "You may not do this."}
    if isinstance(error, exceptions.APIException):
        code = error.get_codes()
        return {"code": code if isinstance(code, str) else "invalid", "detail": str(error.detail)}
    return {"code": "error", "detail": "The request failed."}


def _flatten(detail: Any, prefix: str = "") -> dict[str, str]:
    """Nested validation errors as ``{"items.3.title": "This field is required."}``."""
    if isinstance(detail, dict):
        pairs = [
            _flatten(value, prefix if key == "non_field_errors" else f"{prefix}.{key}".strip("."))
            for key, value in detail.items()
        ]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        pairs = [
            _flatten(item, f"{prefix}.{index}".strip(".")) for index, item in enumerate(detail)
        ]
    else:
        texts = detail if isinstance(detail, list) else [detail]
        return {prefix: " ".join(str(text) for text in texts)} if texts else {}
    return {name: text for pair in pairs for name, text in pair.items()}


class JobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "title",
            "status",
            "done",
            "total",
            "message",
            "result",
            "created_at",
        ]
        read_only_fields = fields


class JobView(APIView):
    """One background job of the caller: its progress, and cancelling it."""

    serializer_class = JobSerializer

    def _job(self, request: Request, job_id: str) -> Job:
        job = Job.objects.filter(id=job_id).first()
        if job is None or not request.user.has_perm("core.view_job", job):
            raise NotFound("There is no such job.")
        return job

    def get(self, request: Request, job_id: str) -> Response:
        return Response(JobSerializer(self._job(request, job_id)).data)

    def delete(self, request: Request, job_id: str) -> Response:
        job = jobs.job_cancel(job=self._job(request, job_id))
        return Response(JobSerializer(job).data)
