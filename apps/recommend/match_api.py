"""``/api/v1/recommend/matches/``: what the team says of matches, for leads and administrators."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import NotAllowed
from apps.recommend import match_lists
from apps.recommend.services import matches

_AGAINST = [
    OpenApiParameter("query", str, description="what is judged against: a query"),
    OpenApiParameter("of", str, description="or an item, by its id"),
]


class MatchInput(serializers.Serializer[Any]):
    item_id = serializers.CharField(max_length=120)
    query = serializers.CharField(required=False, allow_blank=True, default="")
    of = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="an item, where no query is named"
    )
    fits = serializers.BooleanField()


class MatchOutput(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    similarity = serializers.FloatField(
        allow_null=True, help_text="the cosine by the vectors that answer now"
    )
    said = serializers.CharField(help_text="fits, does_not_fit, or empty: what you said of it")


class MatchesView(APIView):
    """Items beside a query or an item, and whether they fit it as the caller says. What readers do
    is no such word."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if not request.user.has_perm("recommend.judge"):
            raise NotAllowed("Only team leads and administrators say what fits.")

    @extend_schema(parameters=_AGAINST, responses=MatchOutput(many=True))
    def get(self, request: Request) -> Response:
        """The nearest items, the best first."""
        against = _against(request)
        found = match_lists.match_list(actor=signed_in(request), against=against)
        return Response(MatchOutput(found, many=True).data)

    @extend_schema(request=MatchInput, responses={201: MatchOutput})
    def post(self, request: Request) -> Response:
        """Say whether an item fits; replaces what the caller said of the two before."""
        body = MatchInput(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = dict(body.validated_data)
        against = matches.asked(query=given["query"], of=given["of"])
        stored = matches.match_say(
            actor=signed_in(request),
            against=against,
            item_id=given["item_id"],
            fits=given["fits"],
        )
        said = {
            "item_id": stored.provenance["item"],
            "title": stored.provenance["title"],
            "similarity": stored.provenance.get("similarity"),
            "said": stored.new_label,
        }
        return Response(MatchOutput(said).data, status=201)

    @extend_schema(
        parameters=[*_AGAINST, OpenApiParameter("item_id", str, required=True)],
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Take back what the caller said of the two."""
        item_id = request.query_params.get("item_id", "")
        matches.match_undo(actor=signed_in(request), against=_against(request), item_id=item_id)
        return Response(status=204)


def _against(request: Request) -> matches.Asked:
    given = request.query_params
    return matches.asked(query=given.get("query", ""), of=given.get("of", ""))


urlpatterns = [path("matches/", MatchesView.as_view(), name="api-recommend-matches")]
