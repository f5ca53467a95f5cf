"""The endpoint that hands scores out as a file."""

from __future__ import annotations

from datetime import datetime

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput
from apps.core.file_answers import FileAnswer, lines_answer
from apps.core.file_imports import RowError
from apps.market.access import AnalystView
from apps.market.exporting import FORMATS, csv_lines, parquet_file, score_row
from apps.market.rows import parse_time
from apps.market.selectors.exports import ExportFilter, scores_to_export


class ExportView(AnalystView):
    """Scores with the article, source, weights and model versions behind each."""

    @extend_schema(
        parameters=[
            OpenApiParameter("as", enum=FORMATS, description="csv unless given"),
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
            OpenApiParameter("company", description="a ticker"),
            OpenApiParameter("sector"),
        ],
        responses={200: OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> FileAnswer:
        query = request.query_params
        kind = query.get("as", FORMATS[0])
        if kind not in FORMATS:
            raise InvalidInput(
                "'as' must be %(formats)s.", fields={"as": "unknown"}, formats=" or ".join(FORMATS)
            )
        wanted = ExportFilter(
            since=_time(request, "since"),
            until=_time(request, "until"),
            company=query.get("company", "")[:16],
            sector=query.get("sector", "")[:60],
        )
        audit_record(
            actor=request.user, action="scores.exported", object_type="export", object_id=kind
        )
        scores = scores_to_export(wanted=wanted).iterator(chunk_size=2_000)
        rows = (score_row(score) for score in scores)
        if kind == "parquet":
            return FileAnswer(
                parquet_file(rows),
                as_attachment=True,
                filename="scores.parquet",
                content_type="application/vnd.apache.parquet",
            )
        return lines_answer(
            csv_lines(rows), filename="scores.csv", content_type="text/csv; charset=utf-8"
        )


def _time(request: Request, name: str) -> datetime | None:
    try:
        return parse_time(request.query_params.get(name, ""))
    except RowError as error:
        raise InvalidInput(
            "'%(name)s' must be an ISO time.", fields={name: "no time"}, name=name
        ) from error
