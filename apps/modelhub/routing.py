from django.urls import path

from apps.modelhub.consumers import ModelHubConsumer
from apps.modelhub.door_consumer import DoorConsumer
from apps.modelhub.labelling_consumer import LabellingConsumer

websocket_urlpatterns = [
    path("ws/models/", ModelHubConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/models/label/", LabellingConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/ml/", DoorConsumer.as_asgi()),  # type: ignore[arg-type]
]
