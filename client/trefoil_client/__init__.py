"""Typed client of Trefoil: ``Client`` asks the models over HTTP, ``Door`` over one socket,
``Recommender`` keeps items and events and asks for readers' pages, ``Desk`` handles customers'
conversations and ``Chat`` is a customer's own."""

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
from trefoil_client.recommend import Card, Event, Recommender, Recorded, Section, Upserted
from trefoil_client.support import Chat, Conversation, Desk, Message

__all__ = [
    "Answer",
    "Card",
    "Chat",
    "Classification",
    "Client",
    "ConnectionLost",
    "Conversation",
    "Desk",
    "Door",
    "Embedding",
    "Entity",
    "Event",
    "Hit",
    "Message",
    "MultiLabel",
    "Part",
    "PersonalData",
    "PersonalSpan",
    "Prediction",
    "Recommender",
    "Recorded",
    "Score",
    "SearchAnswer",
    "Section",
    "Tagging",
    "TrefoilError",
    "Upserted",
    "Vectors",
]
