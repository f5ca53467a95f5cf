"""``/api/v1/recommend/items/`` and ``imports/``: the catalogue."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import CursorPagination, JobSerializer
from apps.core.errors import InvalidInput, NotAllowed
from apps.core.file_imports import RowError
from apps.recommend import selectors, serializers, tasks
from apps.recommend.catalogue_search import SHOWN, STATES, items_found
from apps.recommend.rows import ItemRow, item_row
from apps.recommend.services.catalogue import (
    EMBED_AT_ONCE,
    UpsertCount,
    item_delete,
    item_restore,
    items_add,
    items_delete,
)
from apps.recommend.services.uploads import import_start


def _keeps(request: Request) -> bool:
    """Whether the caller keeps the catalogue."""
    return bool(request.user.has_perm("recommend.import_items"))


def _administrator(request: Request) -> None:
    if not _keeps(request):
        raise NotAllowed("Only administrators change the catalogue.")


def _row(body: Any, item_id: str | None = None, *, at: str = "") -> ItemRow:
    """A checked item; ``at`` is where it stands among others, which a refusal names."""
    try:
        return item_row({**body, "item_id": item_id or body.get("item_id")})
    except RowError as error:
        raise InvalidInput(
            "%(at)s%(problem)s.", code="invalid_item", at=at, problem=error.words
        ) from error


class ItemListView(APIView):
    """What readers are shown of the catalogue, newest first, and to administrators all of it;
    these add and change items (up to 500 at once)."""

    permission_classes = [AllowAny]
    serializer_class = serializers.ItemSerializer

    @extend_schema(
        operation_id="recommend_items_list",
        parameters=[
            OpenApiParameter("q", description="words of the title, the text or the id"),
            OpenApiParameter("tag"),
            OpenApiParameter("language"),
            OpenApiParameter("state", enum=[*filter(None, STATES)], description="administrators"),
        ],
        responses=serializers.ItemSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        keeps = _keeps(request)
        asked = {
            name: " ".join(request.query_params.get(name, "").replace("\x00", " ").split())[:200]
            for name in ("q", "state", "tag", "language")
        }
        if asked["state"] not in STATES:
            raise InvalidInput(
                "state is one of %(states)s.", states=", ".join(filter(None, STATES))
            )
        if not keeps and asked["state"] not in ("", SHOWN):
            raise NotAllowed("Only administrators see what is not shown.")
        found = items_found(
            query=asked["q"],
            state=asked["state"] if keeps else SHOWN,
            tag=asked["tag"],
            language=asked["language"],
        )
        paginator = CursorPagination()
        rows = paginator.paginate_queryset(found.defer(None).defer("vector"), request, view=self)
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
            raise InvalidInput(
                "From 1 to %(max_items)s items at once; import a file.",
                max_items=serializers.MAX_ITEMS,
            )
        if twice := {item.get("item_id") for item in given} & set(gone):
            raise InvalidInput(
                "item_id %(twice)r is to be stored and to be deleted.",
                code="duplicate_item",
                twice=min(twice),
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
        item = selectors.item_get(external_id=item_id, to_come=_keeps(request))
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


class ItemRestoreView(APIView):
    """Bring a deleted item back as it was."""

    serializer_class = serializers.ItemSerializer

    @extend_schema(request=None)
    def post(self, request: Request, item_id: str) -> Response:
        _administrator(request)
        item_restore(external_id=item_id)
        item = selectors.item_get(external_id=item_id, to_come=True)
        return Response(serializers.ItemSerializer(item).data)


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


urlpatterns = [
    path("items/", ItemListView.as_view(), name="api-recommend-items"),
    path("imports/", ImportView.as_view(), name="api-recommend-imports"),
    path(
        "items/<path:item_id>/restore/",
        ItemRestoreView.as_view(),
        name="api-recommend-item-restore",
    ),
    path("items/<path:item_id>/", ItemView.as_view(), name="api-recommend-item"),
]
