"""``/api/v1/recommend/``: items, interactions, recommendations, similar items, search, profile."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import CursorPagination, JobSerializer
from apps.core.errors import InvalidInput, NotAllowed, Problem
from apps.recommend import page, selectors, serializers, tasks
from apps.recommend.models import Reader
from apps.recommend.payloads import reader_payload
from apps.recommend.rows import ItemRow, RowError, item_row
from apps.recommend.services import events as deeds
from apps.recommend.services.catalogue import (
    EMBED_AT_ONCE,
    UpsertCount,
    item_delete,
    items_add,
    items_delete,
)
from apps.recommend.services.forgetting import reader_forget
from apps.recommend.services.readers import (
    dial_set,
    learning_set,
    reader_for_external,
    wish_clear,
    wish_set,
)
from apps.recommend.services.uploads import import_start
from apps.recommend.traces import proof_of, proof_payload, sealed
from apps.recommend.visitors import Visitor, remember, visitor_from

TOGETHER = 50
"""The events of a batch that are stored in one transaction: a commit costs more than a row, but
nothing else is written meanwhile."""
READER = OpenApiParameter("reader", description="another reader's id (administrators)")


class ReaderView(APIView):
    """Base of what a reader may do without an account: the caller is a user or has a cookie."""

    permission_classes = [AllowAny]
    visitor: Visitor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        visitor = visitor_from(request.user, request.COOKIES)
        assert visitor is not None  # a new one is made when there is none
        self.visitor = visitor

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if hasattr(self, "visitor"):
            remember(response, self.visitor)
        return response

    def reader(self, request: Request, perm: str) -> Reader | None:
        """The reader that the request is about: the caller, or ``?reader=`` if that is allowed."""
        name = request.query_params.get("reader")
        if not name:
            return self.visitor.reader
        found = selectors.reader_get(reader_id=name)
        if not request.user.has_perm(f"recommend.{perm}", found):
            raise NotAllowed("This is another reader.")
        return found


def _administrator(request: Request) -> None:
    if not request.user.has_perm("recommend.import_items"):
        raise NotAllowed("Only administrators change the catalogue.")


def _row(body: Any, item_id: str | None = None, *, at: str = "") -> ItemRow:
    """A checked item; ``at`` is where it stands among others, which a refusal names."""
    try:
        return item_row({**body, "item_id": item_id or body.get("item_id")})
    except RowError as error:
        raise InvalidInput(f"{at}{error}.", code="invalid_item") from error


class ItemListView(APIView):
    """The catalogue, newest first; administrators add and change items (up to 500 at once)."""

    permission_classes = [AllowAny]
    serializer_class = serializers.ItemSerializer

    @extend_schema(
        operation_id="recommend_items_list", responses=serializers.ItemSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        paginator = CursorPagination()
        rows = paginator.paginate_queryset(selectors.item_list(), request, view=self)
        return paginator.get_paginated_response(serializers.ItemSerializer(rows, many=True).data)

    @extend_schema(
        request=serializers.ItemBatchInput, responses={200: serializers.UpsertSerializer}
    )
    def post(self, request: Request) -> Response:
        _administrator(request)
        body = serializers.ItemBatchInput(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data.get("items", [])
        gone = body.validated_data.get("delete", [])
        if not 0 < len(given) + len(gone) <= serializers.MAX_ITEMS:
            raise InvalidInput(f"From 1 to {serializers.MAX_ITEMS} items at once; import a file.")
        if twice := {item.get("item_id") for item in given} & set(gone):
            raise InvalidInput(
                f"item_id {min(twice)!r} is to be stored and to be deleted.", code="duplicate_item"
            )
        rows = [_row(item, at=f"items.{index}: ") for index, item in enumerate(given)]
        deleted = items_delete(external_ids=gone) if gone else 0
        count = items_add(rows=rows) if rows else UpsertCount()
        if len(given) > EMBED_AT_ONCE:
            tasks.refresh_vectors.enqueue()
        return Response(serializers.UpsertSerializer({**asdict(count), "deleted": deleted}).data)


class ItemView(APIView):
    """One item by its outside id."""

    permission_classes = [AllowAny]
    serializer_class = serializers.ItemSerializer

    def get(self, request: Request, item_id: str) -> Response:
        item = selectors.item_get(external_id=item_id)
        return Response(serializers.ItemSerializer(item).data)

    @extend_schema(request=serializers.ItemInput)
    def put(self, request: Request, item_id: str) -> Response:
        _administrator(request)
        body = serializers.ItemInput(data=request.data)
        body.is_valid(raise_exception=True)
        items_add(rows=[_row(body.validated_data, item_id)])
        return self.get(request, item_id)

    def delete(self, request: Request, item_id: str) -> Response:
        _administrator(request)
        item_delete(external_id=item_id)
        return Response(status=204)


class ImportView(APIView):
    """Upload a CSV or JSONL file of items or interactions; the answer is the job that reads it."""

    serializer_class = JobSerializer

    @extend_schema(request=serializers.UploadInput, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        _administrator(request)
        body = serializers.UploadInput(data=request.data)
        body.is_valid(raise_exception=True)
        of_items = body.validated_data["kind"] == "items"
        job = import_start(
            actor=request.user,
            kind=tasks.IMPORT_ITEMS if of_items else tasks.IMPORT_INTERACTIONS,
            upload=body.validated_data["file"],
            skip_bad=body.validated_data["skip_bad"],
        )
        return Response(JobSerializer(job).data, status=202)


class InteractionListView(ReaderView):
    """What a reader did, newest first; events are stored once for each event id."""

    serializer_class = serializers.InteractionSerializer

    @extend_schema(
        operation_id="recommend_interactions_list",
        parameters=[READER],
        responses=serializers.InteractionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        reader = self.reader(request, "view_reader")
        paginator = CursorPagination()
        rows = selectors.interaction_list(reader=reader) if reader else selectors.no_interactions()
        shown = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(
            serializers.InteractionSerializer(shown, many=True).data
        )

    @extend_schema(
        request=serializers.InteractionBatchInput,
        responses={200: serializers.BatchResultSerializer},
    )
    def post(self, request: Request) -> Response:
        """Store a batch. A row that is refused is named with its index; the others are stored."""
        body = serializers.InteractionBatchInput(data=request.data)
        body.is_valid(raise_exception=True)
        stored = repeated = paused = 0
        refused = []
        # In the order of readers, so that two batches never wait for each other in a circle; what
        # one reader did stays in order.
        rows = sorted(
            enumerate(body.validated_data["interactions"]),
            key=lambda numbered: str(numbered[1].get("reader") or ""),
        )
        for start in range(0, len(rows), TOGETHER):
            readers: dict[str, Reader] = {}
            with transaction.atomic():
                for index, row in rows[start : start + TOGETHER]:
                    try:
                        recorded = self._record(request, row, readers)
                    except Problem as problem:
                        refused.append({"index": index, **problem.detail()})
                    else:
                        stored += recorded.created
                        paused += recorded.paused
                        repeated += not (recorded.created or recorded.paused)
        refused.sort(key=lambda row: row["index"])
        return Response(
            {"stored": stored, "repeated": repeated, "paused": paused, "refused": refused}
        )

    def _record(
        self, request: Request, row: dict[str, Any], readers: dict[str, Reader]
    ) -> deeds.Recorded:
        event = serializers.checked_event(row)
        name = event.pop("reader", None)
        if name is not None and not request.user.has_perm("recommend.import_items"):
            raise NotAllowed("Only administrators store what other readers did.")
        if (reader := readers.get(name or "")) is None:
            reader = reader_for_external(external_id=name) if name else self.visitor.made()
            readers[name or ""] = reader
        return deeds.interaction_record(reader=reader, source="api", **event)


class InteractionView(ReaderView):
    """Take back one event of the caller."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, event_id: str) -> Response:
        if self.visitor.reader is not None:
            deeds.interaction_remove(reader=self.visitor.reader, event_id=event_id)
        return Response(status=204)


class RecommendationsView(ReaderView):
    """The reader's page as sections of cards, each with its reason."""

    serializer_class = serializers.RecommendationsSerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request) -> Response:
        return Response(page.page_of(self.reader(request, "view_reader")))


class SimilarView(ReaderView):
    """Items whose text is nearest to that of one item."""

    serializer_class = serializers.CardListSerializer

    def get(self, request: Request, item_id: str) -> Response:
        item = selectors.item_get(external_id=item_id)
        return Response({"items": page.similar_cards(self.visitor.reader, item)})


class SearchView(ReaderView):
    """Items for a free text, best first, with the passage that matches."""

    serializer_class = serializers.CardListSerializer

    @extend_schema(parameters=[OpenApiParameter("q", required=True)])
    def get(self, request: Request) -> Response:
        query = request.query_params.get("q", "")
        return Response({"items": page.search_results(self.visitor.reader, query)})


class ProfileView(ReaderView):
    """What the caller asked for; deleting it forgets the caller with everything known."""

    serializer_class = serializers.ProfileSerializer

    def get(self, request: Request) -> Response:
        reader = self.visitor.reader
        if reader is None:
            blank = {"id": str(self.visitor.key), "simulated": False, "wish": ""}
            return Response({**blank, "familiarity": 0.0, "paused": False, "preferences": []})
        stances = selectors.preference_list(reader=reader)
        shown = serializers.PreferenceSerializer(stances, many=True).data
        return Response({**reader_payload(reader), "preferences": shown})

    @extend_schema(request=serializers.ProfileInput)
    def patch(self, request: Request) -> Response:
        body = serializers.ProfileInput(data=request.data)
        body.is_valid(raise_exception=True)
        reader = self.visitor.made()
        wish = body.validated_data.get("wish")
        if wish is not None:
            if wish.strip():
                wish_set(reader=reader, sentence=wish)
            else:
                wish_clear(reader=reader)
        if (familiarity := body.validated_data.get("familiarity")) is not None:
            dial_set(reader=reader, value=familiarity)
        if (paused := body.validated_data.get("paused")) is not None:
            learning_set(reader=reader, paused=paused)
        for preference in body.validated_data.get("preferences", []):
            deeds.preference_set(reader=reader, **preference)
        self.visitor = Visitor(reader.key, reader, self.visitor.user)
        return self.get(request)

    @extend_schema(parameters=[READER], responses={200: serializers.ReceiptSerializer})
    def delete(self, request: Request) -> Response:
        reader = self.reader(request, "change_reader")
        if reader is None:
            return Response({"receipt": "", "at": None, "deleted": {}})
        receipt, looked_for = reader_forget(reader=reader, actor=request.user)
        if self.visitor.user is None:
            self.visitor = Visitor(uuid.uuid4(), None, None)
        seal = sealed(looked_for, receipt)
        return Response(proof_payload(proof_of(seal), seal))


urlpatterns = [
    path("items/", ItemListView.as_view(), name="api-recommend-items"),
    path("imports/", ImportView.as_view(), name="api-recommend-imports"),
    path("items/<path:item_id>/similar/", SimilarView.as_view(), name="api-recommend-similar"),
    path("items/<path:item_id>/", ItemView.as_view(), name="api-recommend-item"),
    path("interactions/", InteractionListView.as_view(), name="api-recommend-interactions"),
    path(
        "interactions/<path:event_id>/",
        InteractionView.as_view(),
        name="api-recommend-interaction",
    ),
    path("recommendations/", RecommendationsView.as_view(), name="api-recommend-recommendations"),
    path("search/", SearchView.as_view(), name="api-recommend-search"),
    path("profile/", ProfileView.as_view(), name="api-recommend-profile"),
]
