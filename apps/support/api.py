"""``/api/v1/support/``: articles, conversations for operators, and a visitor's own conversation.

A visitor proves who it is by the header ``X-Visitor-Token``, which ``POST visitor/`` gives.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import NotAllowed, NotFound
from apps.support import (
    article_api,
    assist,
    correction_api,
    customer_api,
    deadline_api,
    desk_api,
    flow_api,
    gap_api,
    health_api,
    promise_api,
    replay_api,
    report_api,
    retention_api,
    searching,
    selectors,
    services,
    team_api,
    webhook_api,
)
from apps.support.endpoints import Anything, MessageInput, body_of, page_size, require, seen, valid
from apps.support.models import Conversation
from apps.support.payloads import (
    chosen_of,
    client_id_of,
    conversation_payload,
    message_payload,
    text_of,
    visitor_state,
)
from apps.support.services.seeing import conversation_look
from apps.support.visitors import visitor_from_token, visitor_token


def _visitor(request: Request) -> uuid.UUID:
    visitor = visitor_from_token(request.headers.get("X-Visitor-Token", ""))
    if visitor is None:
        raise NotAllowed("The visitor token is missing or not valid.", code="visitor_unknown")
    return visitor


class ConversationCountsView(APIView):
    """How many conversations each tab of the console has, for operators."""

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        return Response(selectors.counts(operator=signed_in(request)))


class ConversationListView(APIView):
    """Conversations of a tab of the console, in its order, for operators; ``q``, ``team``, ``tag``
    and ``priority`` narrow them. ``next`` is the address of the following page, null at the end."""

    @extend_schema(operation_id="support_conversations_list", responses=Anything)
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        tab = request.query_params.get("tab", "all")
        filters = selectors.Filters.of(request.query_params)
        page = selectors.conversation_page(
            tab=tab,
            operator=signed_in(request),
            filters=filters,
            cursor=request.query_params.get("cursor", ""),
            size=page_size(request),
        )
        following = request.build_absolute_uri()
        return Response(
            {
                "next": replace_query_param(following, "cursor", page.next) if page.next else None,
                "results": [conversation_payload(row) for row in page.rows],
            }
        )


class ConversationView(APIView):
    """One conversation with its messages, for operators."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        require(request, "support.view_conversation")
        conversation = seen(request, conversation_id)
        conversation_look(conversation=conversation, operator=signed_in(request))
        return Response(_whole(conversation))


class ReplyView(APIView):
    """An operator's reply; the same ``id`` again stores nothing."""

    @extend_schema(request=MessageInput, responses=Anything)
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        require(request, "support.handle_conversation")
        message, repeated = services.operator_reply(
            conversation_id=conversation_id,
            operator=signed_in(request),
            text=text_of(body_of(request)),
            client_id=client_id_of(body_of(request)),
        )
        return Response(message_payload(message), status=200 if repeated else 201)


class ActionView(APIView):
    """Take, release or resolve a conversation."""

    @extend_schema(request=None, responses=Anything)
    def post(self, request: Request, conversation_id: uuid.UUID, action: str) -> Response:
        require(request, "support.handle_conversation")
        service = {
            "take": services.conversation_take,
            "release": services.conversation_release,
            "resolve": services.conversation_resolve,
        }[action]
        conversation = service(conversation_id=conversation_id, operator=signed_in(request))
        return Response(conversation_payload(conversation))


class SummaryView(APIView):
    """What the customer asked, what the bot answered, what was found, why it was passed on."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, conversation_id: UUID) -> Response:
        require(request, "support.view_conversation")
        conversation = seen(request, conversation_id)
        return Response(asdict(selectors.summary_get(conversation=conversation)))


class SuggestionsView(APIView):
    """Drafts of a reply with their sources, similar past conversations, the next article."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, conversation_id: UUID) -> Response:
        require(request, "support.view_conversation")
        found = assist.assist(
            conversation=seen(request, conversation_id), operator=signed_in(request)
        )
        return Response(_assist_payload(found))


class SearchView(APIView):
    """Conversations and articles by their words and by meaning."""

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        words = request.query_params.get("q", "")[:200].strip()
        found = searching.search(words=words, operator=signed_in(request))
        return Response(asdict(found))


class VisitorView(APIView):
    """Become a visitor: the token to send with every further request."""

    permission_classes = [AllowAny]

    @extend_schema(request=None, responses=Anything)
    def post(self, request: Request) -> Response:
        return Response({"token": visitor_token(uuid.uuid4())}, status=201)


class VisitorMessagesView(APIView):
    """A visitor's own conversation: read it, write into it."""

    permission_classes = [AllowAny]

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response:
        conversation = selectors.conversation_of_visitor(visitor=_visitor(request))
        if conversation is None:
            return Response({"conversation": None, "messages": []})
        return Response(_for_visitor(conversation))

    @extend_schema(request=MessageInput, responses=Anything)
    def post(self, request: Request) -> Response:
        visitor = _visitor(request)
        text, client_id = text_of(body_of(request)), client_id_of(body_of(request))
        conversation = services.conversation_open(visitor=visitor)
        received = services.message_receive(
            conversation_id=conversation.id,
            text=text,
            client_id=client_id,
            chosen=chosen_of(body_of(request)),
        )
        status = 200 if received.repeated else 201
        return Response(message_payload(received.message), status=status)


class VisitorPersonView(APIView):
    """Ask for a person."""

    permission_classes = [AllowAny]

    @extend_schema(request=None, responses=Anything)
    def post(self, request: Request) -> Response:
        conversation = services.conversation_open(visitor=_visitor(request))
        return Response(_for_visitor(services.person_request(conversation_id=conversation.id)))


class RatingInput(serializers.Serializer[Any]):
    good = serializers.BooleanField(help_text="whether the customer says that they were helped")


class VisitorRatingView(APIView):
    """Whether one was helped."""

    permission_classes = [AllowAny]

    @extend_schema(request=RatingInput, responses=Anything)
    def put(self, request: Request) -> Response:
        conversation = selectors.conversation_of_visitor(visitor=_visitor(request))
        if conversation is None:
            raise NotFound("There is no conversation yet.", code="conversation_not_found")
        good = valid(RatingInput, request)["good"]
        services.rating_set(conversation_id=conversation.pk, good=good)
        return Response({"good": good})


def _assist_payload(found: assist.Assist) -> dict[str, Any]:
    return {
        "question": found.question,
        "replies": [asdict(one) for one in found.replies],
        "similar": [
            {
                "conversation": str(one.case.conversation_id),
                "question": one.case.question,
                "reply": one.case.reply,
                "score": one.score,
            }
            for one in found.similar
        ],
        "next_article": asdict(found.next_article) if found.next_article else None,
    }


def _whole(conversation: Conversation) -> dict[str, Any]:
    messages = selectors.message_list(conversation=conversation)
    return {
        **conversation_payload(conversation),
        "messages": [
            message_payload(message) | {"analysis": message.analysis} for message in messages
        ],
    }


def _for_visitor(conversation: Conversation) -> dict[str, Any]:
    messages = selectors.message_list(conversation=conversation)
    place = selectors.place_get(conversation=conversation)
    return {
        "conversation": str(conversation.id),
        **visitor_state(conversation, place),
        "messages": [message_payload(message) for message in messages],
    }


urlpatterns = [
    *article_api.urlpatterns,
    *health_api.urlpatterns,
    path("search/", SearchView.as_view(), name="api-support-search"),
    path("conversations/counts/", ConversationCountsView.as_view(), name="api-counts"),
    path("conversations/", ConversationListView.as_view(), name="api-conversations"),
    path("conversations/<uuid:conversation_id>/", ConversationView.as_view()),
    path("conversations/<uuid:conversation_id>/messages/", ReplyView.as_view()),
    path("conversations/<uuid:conversation_id>/summary/", SummaryView.as_view()),
    path("conversations/<uuid:conversation_id>/suggestions/", SuggestionsView.as_view()),
    *correction_api.urlpatterns,
    *desk_api.urlpatterns,
    *team_api.urlpatterns,
    *webhook_api.urlpatterns,
    *deadline_api.urlpatterns,
    *promise_api.urlpatterns,
    *gap_api.urlpatterns,
    *replay_api.urlpatterns,
    *report_api.urlpatterns,
    *customer_api.urlpatterns,
    *retention_api.urlpatterns,
    *flow_api.urlpatterns,
    *(
        path(
            f"conversations/<uuid:conversation_id>/{action}/",
            ActionView.as_view(),
            {"action": action},
        )
        for action in ("take", "release", "resolve")
    ),
    path("visitor/", VisitorView.as_view(), name="api-visitor"),
    path("visitor/messages/", VisitorMessagesView.as_view(), name="api-visitor-messages"),
    path("visitor/person/", VisitorPersonView.as_view(), name="api-visitor-person"),
    path("visitor/rating/", VisitorRatingView.as_view(), name="api-visitor-rating"),
]
