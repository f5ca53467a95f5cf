"""What the three products and their sockets go by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from config.settings.environment import BASE_DIR, ENVIRONMENT, VAR_DIR
from ml.entities.spans import DetectedKind

# Waits before each bot answer: makes the time between message and answer long enough for tests
# that kill the server in it.
ANSWER_DELAY_SECONDS = ENVIRONMENT.answer_delay
DEMO_DIR: Path = BASE_DIR / "demo"
# Where the rules of the support bot divide; see apps.support.bot.Thresholds.
SUPPORT_THRESHOLDS: dict[str, float] = {}
SUPPORT_INDEX_DIR: Path = VAR_DIR / "indexes" / "support"
# What is masked before a message is stored: kinds of ml.entities, replaced by their name.
SUPPORT_MASKED_KINDS: list[DetectedKind] = ENVIRONMENT.masked_kinds
# The country of phone numbers that are written without its code.
PHONE_REGION = ENVIRONMENT.phone_region
# The labels of the abuse screen that operators are told of, all where none is named; and after how
# many such messages the bot passes a conversation on, never at 0.
SUPPORT_ABUSE_TOLD = ENVIRONMENT.abuse_told
SUPPORT_ABUSE_HAND_OVER = ENVIRONMENT.abuse_hand_over
# Conversations that the bot must hold (manage.py test_bot), and what it did in the last runs.
SUPPORT_CONVERSATIONS_DIR: Path = DEMO_DIR / "conversations"
# Conversations of which a candidate of `intent` must hold what the live version holds, to pass its
# gate; a folder of one's own, since they follow from the articles of the installation.
SUPPORT_GATE_CONVERSATIONS: Path | None = ENVIRONMENT.gate_conversations
SUPPORT_TEST_RUNS_DIR: Path = VAR_DIR / "conversation_tests"
# After so many months without a change an article that is still cited counts as stale.
SUPPORT_STALE_MONTHS = ENVIRONMENT.stale_months
# Whether the weekly report on Support is mailed to team leads who have an address.
SUPPORT_REPORT_MAIL = ENVIRONMENT.support_report_mail

# Other bounds of apps.market.gate.AlertLimits: which alerts a candidate of a model of sentiment
# or topic may change on stored news.
MARKET_GATE: dict[str, Any] = {}

# An operator is on duty while a socket of theirs has given a sign within so many seconds; what they
# hold goes back to the queue when the signs have stopped for so long.
SUPPORT_PRESENCE_SECONDS = 90
SUPPORT_ABSENT_AFTER = timedelta(minutes=10)
# A conversation with a person ends by itself after so long a silence of the customer's, or of the
# operator's while the customer waits for an answer.
SUPPORT_CUSTOMER_SILENCE = timedelta(hours=2)
SUPPORT_OPERATOR_SILENCE = timedelta(minutes=30)

# Live events: how often a socket looks into their log, and what it may send.
EVENTS_CATCH_UP_SECONDS = 0.4
EVENTS_KEPT_DAYS = 14
SOCKET_MAX_FRAME_BYTES = 64 * 1024
SOCKET_FRAMES_PER_SECOND = 20
SOCKET_FRAMES_BURST = 100
