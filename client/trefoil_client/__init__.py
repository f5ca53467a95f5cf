"""Typed client of Trefoil: ``Client`` asks the models over HTTP, ``Door`` over one socket,
``Recommender`` keeps items and events and asks for readers' pages. Of Support, ``Desk`` handles
customers' conversations, ``Chat`` is a customer's own, ``Bot`` keeps what the bot knows and says,
``Office`` who works at the desk, by which rules, and what came of it."""

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
from trefoil_client.bot import Bot
from trefoil_client.client import Client
from trefoil_client.collection import Collection
from trefoil_client.door import Door
from trefoil_client.errors import ConnectionLost, TrefoilError
from trefoil_client.office import Office
from trefoil_client.recommend import (
    Card,
    Event,
    Match,
    Recommender,
    Recorded,
    Section,
    Upserted,
)
from trefoil_client.support import Chat, Conversation, Desk, Message

__all__ = [
    "Answer",
    "Bot",
    "Card",
    "Chat",
    "Classification",
    "Client",
    "Collection",
    "ConnectionLost",
    "Conversation",
    "Desk",
    "Door",
    "Embedding",
    "Entity",
    "Event",
    "Hit",
    "Match",
    "Message",
    "MultiLabel",
    "Office",
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
