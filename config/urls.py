"""URLs of the suite; each app keeps its own."""

from typing import Any

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from apps.core.api import JobView

api: list[Any] = [
    path("jobs/<uuid:job_id>/", JobView.as_view(), name="api-job"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("accounts/", include("apps.accounts.api")),
    path("support/", include("apps.support.api")),
    path("market/", include("apps.market.api")),
    path("recommend/", include("apps.recommend.team_api")),
    path("recommend/", include("apps.recommend.match_api")),
    path("recommend/", include("apps.recommend.rule_api")),
    path("recommend/", include("apps.recommend.experiment_api")),
    path("recommend/", include("apps.recommend.embed_api")),
    path("recommend/", include("apps.recommend.forget_api")),
    path("recommend/", include("apps.recommend.taste_api")),
    path("recommend/", include("apps.recommend.evaluation_api")),
    path("recommend/", include("apps.recommend.lists_api")),
    path("recommend/", include("apps.recommend.api")),
    path("recommend/", include("apps.recommend.catalogue_api")),
    path("models/", include("apps.modelhub.api")),
    path("models/", include("apps.modelhub.monitoring_api")),
    path("models/", include("apps.modelhub.trial_api")),
    path("models/", include("apps.modelhub.labelling_api")),
    path("models/", include("apps.modelhub.nightly_api")),
    path("ml/", include("apps.modelhub.door_api")),
]

urlpatterns = [
    path("", include("apps.core.urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("support/", include("apps.support.urls")),
    path("market/", include("apps.market.urls")),
    path("discover/", include("apps.recommend.urls")),
    path("models/", include("apps.modelhub.urls")),
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
]

handler404 = "apps.core.error_views.page_not_found"
handler500 = "apps.core.error_views.server_error"
