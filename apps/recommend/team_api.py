"""``/api/v1/recommend/``, what the team keeps: event weights, errors of imports, the index."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import NotAllowed, NotFound
from apps.core.file_answers import FileAnswer
from apps.core.models import Job
from apps.recommend import team_serializers as serializers
from apps.recommend import weights
from apps.recommend.health import index_health, rebuild_start
from apps.recommend.services.uploads import job_errors
from apps.recommend.services.weights import weights_set


class TeamView(APIView):
    """Base of what administrators alone may do."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        if not request.user.has_perm("recommend.manage"):
            raise NotAllowed("Only administrators do this.")


class ImportErrorsView(TeamView):
    """The bad rows of an import as CSV ``row,problem``."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: UUID) -> FileAnswer:
        found = job_errors(get_object_or_404(Job, id=job_id))
        if found is None:
            raise NotFound("This import had no bad rows.")
        return FileAnswer(found.open("rb"), as_attachment=True, filename="import-errors.csv")


class WeightsView(TeamView):
    """How much each kind of event says about taste."""

    serializer_class = serializers.WeightsSerializer

    def get(self, request: Request) -> Response:
        return Response(_weights(weights.refresh()))

    @extend_schema(request=serializers.WeightsInput)
    def patch(self, request: Request) -> Response:
        """Set some of them; ``null`` restores a default."""
        body = serializers.WeightsInput(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data["weights"]
        return Response(_weights(weights_set(actor=request.user, given=given)))


class IndexView(TeamView):
    """The state of what recommendations are computed from."""

    serializer_class = serializers.IndexSerializer

    def get(self, request: Request) -> Response:
        return Response(serializers.IndexSerializer(index_health()).data)

    @extend_schema(request=None, responses={202: serializers.RebuildSerializer})
    def post(self, request: Request) -> Response:
        """Make vectors, links and the graph of nearest items anew, in the background."""
        job = rebuild_start(actor=signed_in(request))
        return Response({"job": job.id}, status=202)


def _weights(held: dict[str, float]) -> dict[str, dict[str, float]]:
    return {"weights": held, "defaults": weights.DEFAULTS}


urlpatterns = [
    path(
        "imports/<uuid:job_id>/errors/",
        ImportErrorsView.as_view(),
        name="api-recommend-import-errors",
    ),
    path("index/", IndexView.as_view(), name="api-recommend-index"),
    path("event-weights/", WeightsView.as_view(), name="api-recommend-weights"),
]
