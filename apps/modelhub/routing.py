from django.urls import path

from apps.modelhub.consumers import ModelHubConsumer

websocket_urlpatterns = [
    path("ws/models/", ModelHubConsumer.as_asgi()),  # type: ignore[arg-type]
]
