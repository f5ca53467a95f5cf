"""Sockets of the suite; each app keeps its own list."""

from apps.core import routing as core
from apps.market import routing as market
from apps.modelhub import routing as modelhub
from apps.recommend import routing as recommend
from apps.support import routing as support

websocket_urlpatterns = [
    *core.websocket_urlpatterns,
    *support.websocket_urlpatterns,
    *market.websocket_urlpatterns,
    *recommend.websocket_urlpatterns,
    *modelhub.websocket_urlpatterns,
]
