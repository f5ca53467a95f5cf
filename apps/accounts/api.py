"""``/api/v1/accounts/``: who the caller is, and the caller's tokens."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import selectors, services
from apps.accounts.models import User
from apps.core.errors import NotFound


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "username", "display_name", "role", "language"]
        read_only_fields = fields


class LanguageInput(serializers.Serializer[Any]):
    language = serializers.CharField(max_length=12, allow_blank=True)


class TokenInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    days = serializers.IntegerField(min_value=1, max_value=3650, required=False)


class TokenSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="pk", read_only=True)
    created = serializers.DateTimeField(read_only=True)
    expiry = serializers.DateTimeField(read_only=True)
    secret = serializers.CharField(read_only=True, required=False)


class MeView(APIView):
    """The caller; ``PATCH`` sets the language of the pages (empty: what the browser asks for)."""

    serializer_class = UserSerializer

    def get(self, request: Request) -> Response:
        return Response(UserSerializer(selectors.signed_in(request)).data)

    @extend_schema(request=LanguageInput)
    def patch(self, request: Request) -> Response:
        body = LanguageInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.language_set(user=selectors.signed_in(request), **body.validated_data)
        return Response(UserSerializer(user).data)


class TokenListView(APIView):
    """The caller's API tokens; a new one's secret is in the answer once and never again."""

    serializer_class = TokenSerializer

    def get(self, request: Request) -> Response:
        tokens = selectors.token_list(user=selectors.signed_in(request))
        return Response(TokenSerializer(tokens, many=True).data)

    def post(self, request: Request) -> Response:
        body = TokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        token, secret = services.token_create(
            user=selectors.signed_in(request), **body.validated_data
        )
        return Response(TokenSerializer(token).data | {"secret": secret}, status=201)


class TokenView(APIView):
    serializer_class = TokenSerializer

    def delete(self, request: Request, digest: str) -> Response:
        token = AuthToken.objects.filter(pk=digest, user=request.user).first()
        if token is None:
            raise NotFound("There is no such token.")
        services.token_revoke(actor=selectors.signed_in(request), token=token)
        return Response(status=204)


urlpatterns = [
    path("me/", MeView.as_view(), name="api-me"),
    path("tokens/", TokenListView.as_view(), name="api-tokens"),
    path("tokens/<str:digest>/", TokenView.as_view(), name="api-token"),
]
