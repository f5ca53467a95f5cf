from django.urls import path

from apps.support.consumers import ConsoleConsumer, WidgetConsumer

websocket_urlpatterns = [
    path("ws/support/widget/", WidgetConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/support/console/", ConsoleConsumer.as_asgi()),  # type: ignore[arg-type]
]
