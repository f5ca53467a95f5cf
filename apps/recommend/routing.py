from django.urls import path

from apps.recommend.consumers import DiscoverConsumer

websocket_urlpatterns = [path("ws/discover/", DiscoverConsumer.as_asgi())]  # type: ignore[arg-type]
