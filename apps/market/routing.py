from django.urls import path

from apps.market.consumers import MarketConsumer

websocket_urlpatterns = [path("ws/market/", MarketConsumer.as_asgi())]  # type: ignore[arg-type]
