from django.urls import path

from apps.modelhub import (
    adjudication_views,
    dataset_views,
    labelling_views,
    monitoring_views,
    promotion_views,
    run_views,
    trial_views,
    views,
)

app_name = "modelhub"
urlpatterns = [
    path("", views.models, name="models"),
    path("engine/", views.engine, name="engine"),
    path("try/", views.try_text, name="try"),
    path("explain/", views.explain_text, name="explain"),
    path("examples/", views.examples, name="examples"),
    path("examples/<int:example_id>/discard/", views.example_discard, name="example-discard"),
    path("data/", dataset_views.dataset_list, name="datasets"),
    path("data/<int:dataset_id>/", dataset_views.dataset_detail, name="dataset"),
    path("data/<int:dataset_id>/extend/", dataset_views.version_extend, name="extend"),
    path("data/<int:dataset_id>/upload/", dataset_views.upload, name="upload"),
    path(
        "data/<int:dataset_id>/upload/<int:upload_id>/",
        dataset_views.upload_preview,
        name="upload-preview",
    ),
    path(
        "data/<int:dataset_id>/v/<int:number>/",
        dataset_views.version_detail,
        name="dataset-version",
    ),
    path(
        "data/<int:dataset_id>/v/<int:number>/export/",
        dataset_views.version_export,
        name="dataset-export",
    ),
    path("data/<int:dataset_id>/v/<int:number>/run/", run_views.run_new, name="run-new"),
    path("runs/", run_views.run_list, name="runs"),
    path("runs/<int:run_id>/", run_views.run_detail, name="run"),
    path("runs/<int:run_id>/cancel/", run_views.run_cancel, name="run-cancel"),
    path("runs/<int:run_id>/resume/", run_views.run_resume, name="run-resume"),
    path("monitoring/", monitoring_views.monitoring, name="monitoring"),
    path("label/", labelling_views.queues, name="queues"),
    path("label/new/", labelling_views.queue_new, name="queue-new"),
    path("label/<int:queue_id>/", labelling_views.label, name="label"),
    path("label/<int:queue_id>/undo/", labelling_views.label_undo, name="label-undo"),
    path("label/<int:queue_id>/<int:row_id>/", labelling_views.label_row, name="label-row"),
    path(
        "label/<int:queue_id>/disagreements/",
        adjudication_views.disagreements,
        name="disagreements",
    ),
    path(
        "label/<int:queue_id>/disagreements/<int:position>/",
        adjudication_views.decide,
        name="decide",
    ),
    path("trials/", trial_views.trial_page, name="trials"),
    path("trials/start/", trial_views.trial_start, name="trial-start"),
    path("trials/<int:trial_id>/stop/", trial_views.trial_stop, name="trial-stop"),
    path("history/", promotion_views.history, name="history"),
    path("promote/", promotion_views.promote, name="promote"),
    path("roll-back/", promotion_views.roll_back, name="roll-back"),
    path("<str:task>/<str:version>/", views.version, name="version"),
]
