"""Demo content of Support: the knowledge base, example conversations, and simulated customers."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from datetime import timedelta
from uuid import UUID

import httpx
import structlog
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import DateTimeField, ExpressionWrapper, F
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from apps.accounts.models import User
from apps.core.demo import SimulationTarget
from apps.core.jobs import ProgressReporter
from apps.support import answerer, importing, services
from apps.support.flows.reading import read_files
from apps.support.models import Conversation, Message
from apps.support.visitors import COOKIE

logger = structlog.get_logger(__name__)

EXAMPLES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Priya", ("Hi", "I ordered a card nine days ago and it still is not here"), "bot"),
    ("Tom", ("how do I change my pin?", "thanks!"), "bot"),
    ("Elena", ("What rate do you use when I pay in dollars?",), "bot"),
    (
        "Marcus",
        ("the cash machine swallowed my card in Porto", "I want to talk to a person"),
        "bot",
    ),
    ("Ingrid", ("My transfer says pending since yesterday, when will it arrive?",), "bot"),
    ("Sam", ("Can you recommend a good pizza place?", "or a film for tonight?"), "bot"),
    ("Yusuf", ("I was charged twice for one coffee",), "person"),
    ("Chloe", ("there's a payment on my account I never made, 84.20 in a shop in Leeds",), "bot"),
    ("Diego", ("how old do you have to be to open an account", "great, thank you"), "resolved"),
    ("Aiko", ("Does Apple Pay work with my virtual card?",), "bot"),
    ("Nadia", ("my top up was cancelled, where is my money",), "bot"),
    ("Peter", ("I need to speak to someone about a bereavement, please",), "bot"),
)
MACROS = (
    ("Greeting", "Hello {customer}, {operator} here. I am looking into it."),
    (
        "Which payment",
        "Could you tell me the reference of the payment? Tap it in the app; it stands at the end.",
    ),
    ("Closing", "I am glad that this is settled, {customer}. Write here at any time."),
)
_MINUTES_AGO = (4, 52, 31, 9, 18, 13, 24, 6, 75, 38, 43, 2)
OPERATOR_LINE = "I can see both payments. One of them is only a hold and will drop off by itself."

LINES = (
    "my new card has not arrived",
    "How do I activate my card?",
    "why was there a fee when I took out cash",
    "Is my money protected if you go bust?",
    "the exchange rate looks wrong to me",
    "I forgot my passcode",
    "my card was declined at the supermarket",
    "can I have a second card for my partner?",
    "I topped up by mistake, can you undo it",
    "how long does a transfer to Spain take",
    "somebody stole my phone",
    "please cancel my transfer, wrong person",
    "what's the limit on disposable cards",
    "Where do you send cards to?",
    "my refund has not shown up",
    "do you think it will rain tomorrow",
    "I want to talk to a person",
    "I moved house, how do I change my address?",
    "hello",
    "the ATM gave me less than I asked for",
)
_PAUSE_AFTER = 6  # messages until a simulated customer leaves


def load_demo(progress: ProgressReporter) -> str:
    """Import articles and flows and, once, write macros and play the example conversations."""
    rows = list(importing.read_articles(settings.DEMO_DIR / "knowledge"))
    outcome = importing.articles_import(rows=rows, progress=progress)
    flows = read_files(settings.DEMO_DIR / "flows")
    for file, text in flows.items():
        services.flow_ship(source=text, file=file.name)
    operator = User.objects.filter(username="omar").first()
    if operator is not None and not services.macro_list():
        for name, text in MACROS:
            services.macro_save(macro_id=None, operator=operator, name=name, text=text)
    if not Conversation.objects.filter(is_example=True).exists():
        for index, (name, lines, end) in enumerate(EXAMPLES, start=1):
            example = _play_example(name, lines, end)
            _make_older(example, timedelta(minutes=_MINUTES_AGO[index - 1]))
            progress.update(index, len(EXAMPLES), name)
    total = outcome.created + outcome.updated + outcome.unchanged
    examples = Conversation.objects.filter(is_example=True).count()
    return f"{total} articles, {len(flows)} flows, {examples} conversations"


def _play_example(name: str, lines: tuple[str, ...], end: str) -> UUID:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name=name, is_example=True)
    for line in lines:
        services.message_receive(
            conversation_id=conversation.id, text=line, client_id=uuid.uuid4().hex
        )
        async_to_sync(answerer.sweep)()
    operator = User.objects.filter(username="omar").first()
    if end == "bot" or operator is None:
        return conversation.id
    services.conversation_take(conversation_id=conversation.id, operator=operator)
    if end == "resolved":
        services.conversation_resolve(conversation_id=conversation.id, operator=operator)
        return conversation.id
    services.operator_reply(
        conversation_id=conversation.id,
        operator=operator,
        text=OPERATOR_LINE,
        client_id=uuid.uuid4().hex,
    )
    return conversation.id


def _make_older(conversation_id: UUID, age: timedelta) -> None:
    """Move an example into the past: a queue in which all came at once looks like none."""
    moved = {
        name: ExpressionWrapper(F(name) - age, output_field=DateTimeField())
        for name in ("created_at", "active_at", "queued_at")
    }
    Conversation.objects.filter(id=conversation_id).update(**moved)
    Message.objects.filter(conversation=conversation_id).update(created_at=moved["created_at"])


async def play_customers(target: SimulationTarget) -> None:
    """Customers who open the widget, write a few lines, and leave; until cancelled."""
    generator = random.Random()  # noqa: S311 - a simulation
    while True:
        try:
            await _one_customer(target, generator)
        except (OSError, httpx.HTTPError, WebSocketException) as error:
            logger.warning("simulated customer failed", error=str(error))
            await asyncio.sleep(2)


async def _one_customer(target: SimulationTarget, generator: random.Random) -> None:
    async with httpx.AsyncClient(base_url=target.base_url) as client:
        await client.get("/support/widget/")
        cookie = client.cookies.get(COOKIE)
    async with connect(
        f"{target.socket_url}/ws/support/widget/",
        origin=target.base_url,  # type: ignore[arg-type]
        additional_headers={"Cookie": f"{COOKIE}={cookie}"},
    ) as socket:
        for _ in range(generator.randint(1, _PAUSE_AFTER)):
            await _say(socket, generator.choice(LINES))
            await asyncio.sleep(generator.expovariate(target.rate))


async def _say(socket: ClientConnection, text: str) -> None:
    client_id = uuid.uuid4().hex
    await socket.send(json.dumps({"type": "message.send", "id": client_id, "text": text}))
    async with asyncio.timeout(20):
        async for frame in socket:
            if json.loads(frame).get("id") == client_id:
                return
