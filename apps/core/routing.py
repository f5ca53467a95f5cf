from django.urls import path

from apps.core.job_consumer import JobConsumer

websocket_urlpatterns = [path("ws/jobs/", JobConsumer.as_asgi())]  # type: ignore[arg-type]
