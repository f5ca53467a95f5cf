"""Typed client of Trefoil's models: ``Client`` over HTTP, ``Door`` over one socket."""

from trefoil_client.answers import (
    Answer,
    Classification,
    Embedding,
    Entity,
    Hit,
    MultiLabel,
    Part,
    PersonalData,
    PersonalSpan,
    Prediction,
    Score,
    SearchAnswer,
    Tagging,
    Vectors,
)
from trefoil_client.client import Client
from trefoil_client.door import Door
from trefoil_client.errors import ConnectionLost, TrefoilError

__all__ = [
    "Answer",
    "Classification",
    "Client",
    "ConnectionLost",
    "Door",
    "Embedding",
    "Entity",
    "Hit",
    "MultiLabel",
    "Part",
    "PersonalData",
    "PersonalSpan",
    "Prediction",
    "Score",
    "SearchAnswer",
    "Tagging",
    "TrefoilError",
    "Vectors",
]
