"""What operators do around conversations, under ``/api/v1/support/``: notes, sorting, macros."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput
from apps.support import selectors, services
from apps.support.endpoints import Anything, MessageInput, body_of, require, seen, valid
from apps.support.models import Conversation, Macro
from apps.support.payloads import (
    client_id_of,
    conversation_payload,
    note_payload,
    text_of,
    view_payload,
)


class AssignInput(serializers.Serializer[Any]):
    assignee = serializers.IntegerField(help_text="a user's id")
    expected = serializers.IntegerField(allow_null=True, help_text="who has it now, or null")


class SortInput(serializers.Serializer[Any]):
    priority = serializers.ChoiceField(choices=Conversation.Priority.choices, required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)


class SnoozeInput(serializers.Serializer[Any]):
    until = serializers.DateTimeField(allow_null=True)


_DESK: dict[str, tuple[type[serializers.Serializer[Any]], Callable[..., Conversation]]] = {
    "assign": (AssignInput, services.conversation_assign),
    "sort": (SortInput, services.conversation_sort),
    "snooze": (SnoozeInput, services.conversation_snooze),
}


class DeskView(APIView):
    """Assign a conversation, set its priority and tags, or put it off."""

    @extend_schema(request=SortInput, responses=Anything)
    def post(self, request: Request, conversation_id: uuid.UUID, action: str) -> Response:
        require(request, "support.handle_conversation")
        shape, service = _DESK[action]
        body = shape(data=body_of(request))
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(body.validated_data)
        if action == "assign":
            values = {f"{name}_id": value for name, value in values.items()}
        conversation = service(
            conversation_id=conversation_id, operator=signed_in(request), **values
        )
        return Response(conversation_payload(conversation))


class BulkInput(serializers.Serializer[Any]):
    conversations = serializers.ListField(
        child=serializers.UUIDField(), max_length=services.MOST_AT_ONCE
    )
    action = serializers.ChoiceField(
        choices=["take", "release", "resolve", "assign", "sort", "snooze"]
    )
    assignee = serializers.IntegerField(required=False, help_text="for assign")
    priority = serializers.ChoiceField(choices=Conversation.Priority.choices, required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    until = serializers.DateTimeField(allow_null=True, required=False, help_text="for snooze")


class BulkView(APIView):
    """One action on several conversations; the answer says of each whether it was done."""

    @extend_schema(request=BulkInput, responses=Anything)
    def post(self, request: Request) -> Response:
        require(request, "support.handle_conversation")
        values = valid(BulkInput, request)
        act, names = _BULK[values["action"]]
        more = {name: values[name] for name in names if name in values}
        outcome = services.conversations_handle(
            conversation_ids=values["conversations"],
            operator=signed_in(request),
            act=act,
            **more,
        )
        rows = [
            {
                "conversation": str(key),
                "done": problem is None,
                **(problem.detail() if problem else {}),
            }
            for key, problem in outcome.items()
        ]
        return Response({"done": sum(row["done"] for row in rows), "conversations": rows})


def _assign_now(*, assignee: int | None = None, **act: Any) -> Conversation:
    """Assign whoever has it now: who acts on many has not looked at each."""
    if assignee is None:
        raise InvalidInput('"assignee" is missing.', fields={"assignee": "needed"})
    seen_now = selectors.conversation_seen(
        conversation_id=act["conversation_id"], operator=act["operator"]
    )
    return services.conversation_assign(
        **act, assignee_id=assignee, expected_id=seen_now.assignee_id
    )


_BULK: dict[str, tuple[Callable[..., Conversation], tuple[str, ...]]] = {
    "take": (services.conversation_take, ()),
    "release": (services.conversation_release, ()),
    "resolve": (services.conversation_resolve, ()),
    "assign": (_assign_now, ("assignee",)),
    "sort": (services.conversation_sort, ("priority", "tags")),
    "snooze": (services.conversation_snooze, ("until",)),
}


class NotesView(APIView):
    """What the team says among itself beside a conversation."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        require(request, "support.view_conversation")
        conversation = seen(request, conversation_id)
        notes = selectors.note_list(conversation=conversation)
        return Response([note_payload(note) for note in notes])

    @extend_schema(request=MessageInput, responses=Anything)
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        require(request, "support.handle_conversation")
        note, repeated = services.note_add(
            conversation_id=conversation_id,
            operator=signed_in(request),
            text=text_of(body_of(request)),
            client_id=client_id_of(body_of(request)),
        )
        return Response(note_payload(note), status=200 if repeated else 201)


class MacroSerializer(serializers.ModelSerializer[Macro]):
    class Meta:
        model = Macro
        fields = ["id", "name", "text", "updated_at"]
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "name": {"validators": []}
        }  # a name in use is a conflict, see the service


class MacroListView(APIView):
    """Replies written once for the team, for operators."""

    @extend_schema(responses=MacroSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.change_macros")
        return Response(MacroSerializer(services.macro_list(), many=True).data)

    @extend_schema(request=MacroSerializer, responses=MacroSerializer)
    def post(self, request: Request) -> Response:
        require(request, "support.change_macros")
        return Response(_macro(request, None), status=201)


class MacroView(APIView):
    """One macro: replace it, delete it."""

    @extend_schema(request=MacroSerializer, responses=MacroSerializer)
    def put(self, request: Request, macro_id: int) -> Response:
        require(request, "support.change_macros")
        return Response(_macro(request, macro_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, macro_id: int) -> Response:
        require(request, "support.change_macros")
        services.macro_delete(macro_id=macro_id, operator=signed_in(request))
        return Response(status=204)


class ViewInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=40)
    tab = serializers.CharField(max_length=12, default="all")
    filters = serializers.DictField(help_text="q, team, tag, priority")


class SavedViewsView(APIView):
    """One's own views of the list: filters under a name."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        rows = selectors.view_list(operator=signed_in(request))
        return Response([view_payload(row) for row in rows])

    @extend_schema(request=ViewInput, responses=Anything)
    def post(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        values = valid(ViewInput, request)
        view = services.view_save(
            operator=signed_in(request),
            name=values["name"],
            tab=values["tab"],
            filters=selectors.Filters.of(values["filters"]),
        )
        return Response(view_payload(view), status=201)


class SavedViewView(APIView):
    """One view: delete it."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, view_id: int) -> Response:
        require(request, "support.view_conversation")
        services.view_delete(operator=signed_in(request), view_id=view_id)
        return Response(status=204)


def _macro(request: Request, macro_id: int | None) -> dict[str, Any]:
    body = MacroSerializer(data=body_of(request))
    body.is_valid(raise_exception=True)
    values = body.validated_data
    macro = services.macro_save(
        macro_id=macro_id, operator=signed_in(request), name=values["name"], text=values["text"]
    )
    return dict(MacroSerializer(macro).data)


urlpatterns = [
    path("conversations/<uuid:conversation_id>/notes/", NotesView.as_view()),
    *(
        path(
            f"conversations/<uuid:conversation_id>/{action}/",
            DeskView.as_view(),
            {"action": action},
        )
        for action in _DESK
    ),
    path("conversations/bulk/", BulkView.as_view(), name="api-bulk"),
    path("views/", SavedViewsView.as_view(), name="api-views"),
    path("views/<int:view_id>/", SavedViewView.as_view(), name="api-view"),
    path("macros/", MacroListView.as_view(), name="api-macros"),
    path("macros/<int:macro_id>/", MacroView.as_view(), name="api-macro"),
]
