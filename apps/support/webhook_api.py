"""``/api/v1/support/webhooks/`` and the log of their deliveries, for administrators."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.api import CursorPagination
from apps.core.errors import InvalidInput
from apps.support.endpoints import require, valid
from apps.support.selectors.webhooks import webhook_list, webhook_log
from apps.support.services import webhooks
from apps.support.services.telling import EVENTS
from apps.support.webhook_models import Webhook, WebhookDelivery, WebhookTry

_PERMISSION = "support.change_webhooks"


class SupportWebhook(serializers.ModelSerializer[Webhook]):
    """A webhook; its secret is no part of it."""

    class Meta:
        model = Webhook
        fields = ["id", "name", "address", "events", "enabled", "created_at"]
        read_only_fields = fields


class NewSupportWebhook(SupportWebhook):
    secret = serializers.CharField(help_text="told this once")

    class Meta(SupportWebhook.Meta):
        fields = [*SupportWebhook.Meta.fields, "secret"]
        read_only_fields = fields


class SupportWebhookInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    address = serializers.CharField(max_length=2000)
    events = serializers.ListField(child=serializers.ChoiceField(choices=list(EVENTS)))


class SupportWebhookChange(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), required=False
    )


class SupportWebhookTry(serializers.ModelSerializer[WebhookTry]):
    error = serializers.CharField(source="error_words", read_only=True)

    class Meta:
        model = WebhookTry
        fields = ["at", "seconds", "delivered", "status", "error"]
        read_only_fields = fields


class SupportWebhookDelivery(serializers.ModelSerializer[WebhookDelivery]):
    error = serializers.CharField(source="error_words", read_only=True)
    tries = SupportWebhookTry(many=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            *("id", "key", "event", "webhook", "webhook_name", "state", "attempts"),
            *("created_at", "due_at", "delivered_at", "error", "message", "tries"),
        ]
        read_only_fields = fields


class WebhookListView(APIView):
    """The webhooks; POST adds one and tells its secret, this once."""

    @extend_schema(responses=SupportWebhook(many=True))
    def get(self, request: Request) -> Response:
        require(request, _PERMISSION)
        return Response(SupportWebhook(webhook_list(), many=True).data)

    @extend_schema(request=SupportWebhookInput, responses={201: NewSupportWebhook})
    def post(self, request: Request) -> Response:
        require(request, _PERMISSION)
        given = valid(SupportWebhookInput, request)
        webhook, secret = webhooks.webhook_create(actor=signed_in(request), **given)
        return Response({**SupportWebhook(webhook).data, "secret": secret}, status=201)


class WebhookView(APIView):
    """One webhook."""

    @extend_schema(responses=SupportWebhook)
    def get(self, request: Request, webhook_id: int) -> Response:
        require(request, _PERMISSION)
        return Response(SupportWebhook(webhooks.webhook_get(webhook_id=webhook_id)).data)

    @extend_schema(request=SupportWebhookChange, responses=SupportWebhook)
    def patch(self, request: Request, webhook_id: int) -> Response:
        """Switch it on or off, or say what it is told of."""
        require(request, _PERMISSION)
        given = valid(SupportWebhookChange, request)
        changed = webhooks.webhook_change(actor=signed_in(request), webhook_id=webhook_id, **given)
        return Response(SupportWebhook(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: int) -> Response:
        require(request, _PERMISSION)
        webhooks.webhook_delete(actor=signed_in(request), webhook_id=webhook_id)
        return Response(status=204)


class WebhookTestView(APIView):
    """Send a test; the answer is its delivery, whose tries follow."""

    @extend_schema(request=None, responses={202: SupportWebhookDelivery})
    def post(self, request: Request, webhook_id: int) -> Response:
        require(request, _PERMISSION)
        delivery = webhooks.webhook_test(webhook_id=webhook_id)
        return Response(SupportWebhookDelivery(delivery).data, status=202)


class WebhookSecretView(APIView):
    """Give a webhook a new secret, told this once."""

    @extend_schema(request=None, responses=NewSupportWebhook)
    def post(self, request: Request, webhook_id: int) -> Response:
        require(request, _PERMISSION)
        webhook, secret = webhooks.webhook_renew_secret(
            actor=signed_in(request), webhook_id=webhook_id
        )
        return Response({**SupportWebhook(webhook).data, "secret": secret})


class WebhookDeliveriesView(APIView):
    """What webhooks were told, newest first; ``state`` and ``webhook`` narrow it."""

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=WebhookDelivery.State.values),
            OpenApiParameter("webhook", int),
        ],
        responses=SupportWebhookDelivery(many=True),
    )
    def get(self, request: Request) -> Response:
        require(request, _PERMISSION)
        state = request.query_params.get("state", "")
        webhook = request.query_params.get("webhook", "")
        if state and state not in WebhookDelivery.State.values:
            raise InvalidInput("There is no such state.", fields={"state": "unknown"})
        if webhook and not (webhook.isdecimal() and len(webhook) < 18):
            raise InvalidInput("The webhook is no number.", fields={"webhook": "no number"})
        found = webhook_log(state=state, webhook_id=int(webhook) if webhook else None)
        pages = CursorPagination()
        rows = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(SupportWebhookDelivery(rows, many=True).data)


class WebhookResendView(APIView):
    """Send again what was given up."""

    @extend_schema(request=None, responses={202: SupportWebhookDelivery})
    def post(self, request: Request, delivery_id: int) -> Response:
        require(request, _PERMISSION)
        delivery = webhooks.webhook_resend(delivery_id=delivery_id)
        return Response(SupportWebhookDelivery(delivery).data, status=202)


urlpatterns = [
    path("webhooks/", WebhookListView.as_view(), name="api-support-webhooks"),
    path("webhooks/<int:webhook_id>/", WebhookView.as_view(), name="api-support-webhook"),
    path("webhooks/<int:webhook_id>/test/", WebhookTestView.as_view(), name="api-webhook-test"),
    path(
        "webhooks/<int:webhook_id>/secret/", WebhookSecretView.as_view(), name="api-webhook-secret"
    ),
    path("webhooks/deliveries/", WebhookDeliveriesView.as_view(), name="api-webhook-deliveries"),
    path(
        "webhooks/deliveries/<int:delivery_id>/resend/",
        WebhookResendView.as_view(),
        name="api-webhook-resend",
    ),
]
