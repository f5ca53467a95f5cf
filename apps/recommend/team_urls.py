"""The addresses of the team's pages."""

from django.urls import path

from apps.recommend import (
    catalogue_views,
    embed_views,
    experiment_views,
    insight_views,
    rule_views,
)

urlpatterns = [
    path("catalogue/", catalogue_views.catalogue, name="catalogue"),
    path("catalogue/new/", catalogue_views.item_edit, name="catalogue-new"),
    path(
        "catalogue/imports/<uuid:job_id>/errors.csv",
        catalogue_views.import_errors,
        name="catalogue-import-errors",
    ),
    path(
        "catalogue/remove/<path:item_id>/",
        catalogue_views.item_remove,
        name="catalogue-item-remove",
    ),
    path("catalogue/items/<path:item_id>/", catalogue_views.item_edit, name="catalogue-item"),
    path("rules/", rule_views.rules_page, name="rules"),
    path("rules/preview/", rule_views.preview, name="rules-preview"),
    path("rules/<int:rule_id>/", rule_views.rules_page, name="rule"),
    path("rules/<int:rule_id>/preview/", rule_views.preview, name="rule-preview"),
    path("rules/<int:rule_id>/delete/", rule_views.rule_remove, name="rule-delete"),
    path("experiments/", experiment_views.experiments_page, name="experiments"),
    path("experiments/plan/", experiment_views.plan, name="experiments-plan"),
    path("experiments/<slug:key>/", experiment_views.experiment_page, name="experiment"),
    path(
        "experiments/<slug:key>/<slug:act>/",
        experiment_views.experiment_act,
        name="experiment-act",
    ),
    path("playground/", insight_views.playground, name="playground"),
    path("index/", insight_views.index_page, name="index"),
    path("evaluation/", insight_views.evaluation, name="evaluation"),
    path("evaluation/<str:name>/", insight_views.evaluation, name="evaluation-report"),
    path("other-sites/", embed_views.other_sites, name="other-sites"),
    path("weights/", catalogue_views.event_weights, name="weights"),
]
