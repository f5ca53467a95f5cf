from django.urls import path

from apps.modelhub import views

app_name = "modelhub"
urlpatterns = [
    path("", views.models, name="models"),
    path("engine/", views.engine, name="engine"),
    path("try/", views.try_text, name="try"),
    path("explain/", views.explain_text, name="explain"),
    path("examples/", views.examples, name="examples"),
    path("<str:task>/<str:version>/", views.version, name="version"),
]
