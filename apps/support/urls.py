from django.urls import path

from apps.support import views

app_name = "support"
urlpatterns = [
    path("", views.console, name="console"),
    path("c/<uuid:conversation_id>/", views.console, name="conversation"),
    path("c/<uuid:conversation_id>/inspector/", views.inspector, name="inspector"),
    path("widget/", views.widget, name="widget"),
    path("help/", views.help_list, name="help"),
    path("help/<slug:slug>/", views.help_article, name="article"),
]
