"""Customers under ``/api/v1/support/``: identity, history, export, erasure, merging, audit."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.api import CursorPagination
from apps.core.errors import NotAllowed
from apps.support.customer_payloads import (
    audit_payload,
    person_payload,
    receipt_payload,
    row_payload,
)
from apps.support.endpoints import Anything, require, valid
from apps.support.identity import identity_read
from apps.support.payloads import conversation_payload
from apps.support.selectors import audit, customers
from apps.support.services import customers as services
from apps.support.services import erasure
from apps.support.visitors import remember, visitor_from_token, visitor_of, visitor_token

_MOST_LISTED = 100


class IdentityInput(serializers.Serializer[Any]):
    identity = serializers.CharField(max_length=4100, help_text="a statement signed by the site")


class ErasureInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")


class MergeInput(serializers.Serializer[Any]):
    other = serializers.UUIDField(help_text="the conversation whose messages come into this one")


class IdentityView(APIView):
    """Become the customer whom the site has named; or a stranger again.

    A visitor of the page is known by the cookie, which is set anew; another program by
    ``X-Visitor-Token``, and is answered the token to use from then on.
    """

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
    parser_classes = [JSONParser]  # a form of another site cannot send JSON

    @extend_schema(request=IdentityInput, responses=Anything)
    def post(self, request: Request) -> Response:
        identity = identity_read(valid(IdentityInput, request)["identity"], now=timezone.now())
        token = request.headers.get("X-Visitor-Token")
        visitor = visitor_from_token(token) if token else visitor_of(request.COOKIES)
        if token and visitor is None:
            raise NotAllowed("The visitor token is not valid.", code="visitor_unknown")
        customer = services.customer_identify(visitor=visitor, identity=identity)
        body = {"name": customer.name, "changed": customer.visitor != visitor}
        if token:
            return Response(body | {"token": visitor_token(customer.visitor)})
        response = Response(body)
        remember(response, customer.visitor, request._request)
        return response

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        response = Response(status=204)
        remember(response, uuid.uuid4(), request._request)
        return response


class CustomersView(APIView):
    """People by their last word; ``q`` looks for a name, an e-mail address or an id."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        words = request.query_params.get("q", "")[:200]
        rows = list(
            customers.customer_list(operator=signed_in(request), words=words)[:_MOST_LISTED]
        )
        known = customers.customers_by_visitor(visitors=[row["visitor"] for row in rows])
        return Response([row_payload(row, known.get(row["visitor"])) for row in rows])


class CustomerView(APIView):
    """One person with their conversations; erasing answers a receipt."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, visitor: uuid.UUID) -> Response:
        require(request, "support.view_conversation")
        found = customers.person_get(visitor=visitor, operator=signed_in(request))
        return Response(person_payload(found))

    @extend_schema(request=ErasureInput, responses=Anything)
    def delete(self, request: Request, visitor: uuid.UUID) -> Response:
        require(request, "support.erase_customers")
        values = valid(ErasureInput, request)
        receipt = erasure.person_erase(visitor=visitor, actor=signed_in(request), **values)
        return Response(receipt_payload(receipt))


class CustomerExportView(APIView):
    """All that is kept of one person."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, visitor: uuid.UUID) -> Response:
        require(request, "support.export_customers")
        return Response(services.person_export(visitor=visitor, actor=signed_in(request)))


class ReceiptsView(APIView):
    """Receipts of erasures, the last first; ``visitor`` asks for one person's."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.erase_customers")
        visitor = request.query_params.get("visitor", "")
        subject = erasure.subject_of(uuid.UUID(visitor)) if _is_uuid(visitor) else ""
        rows = customers.receipt_list(subject=subject)[:_MOST_LISTED]
        return Response([receipt_payload(row) for row in rows])


class MergeView(APIView):
    """Bring the messages of another conversation of the same person into this one."""

    @extend_schema(request=MergeInput, responses=Anything)
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        require(request, "support.merge_conversations")
        merged = services.conversation_merge(
            conversation_id=conversation_id,
            other_id=valid(MergeInput, request)["other"],
            operator=signed_in(request),
        )
        return Response(conversation_payload(merged))


class AuditView(APIView):
    """Who saw and did what at the desk; ``person``, ``action`` and ``about`` narrow it."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_audit")
        rows = audit.audit_list(filters=audit.AuditFilters.of(request.query_params))
        pages = CursorPagination()
        page = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response([audit_payload(row) for row in page])


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


urlpatterns = [
    path("visitor/identity/", IdentityView.as_view(), name="api-identity"),
    path("customers/", CustomersView.as_view(), name="api-customers"),
    path("customers/<uuid:visitor>/", CustomerView.as_view(), name="api-customer"),
    path("customers/<uuid:visitor>/export/", CustomerExportView.as_view()),
    path("erasures/", ReceiptsView.as_view(), name="api-erasures"),
    path("conversations/<uuid:conversation_id>/merge/", MergeView.as_view(), name="api-merge"),
    path("audit/", AuditView.as_view(), name="api-audit"),
]
