"""A small bank behind the demo's flows: it is read from ``demo/ledger.json``, and what flows ask of
it is kept as cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings

from apps.support.flows.actions import ActionFailed, Call, register_action
from apps.support.models import ServiceCase
from apps.support.services.cases import case_open

_DISPUTE_DAYS = 120
_FIRST_HOUR, _LAST_HOUR = 9, 17
_SATURDAY = 5


def register() -> None:
    """Offer the functions to flows."""
    reads: dict[str, Callable[[Call], dict[str, Any]]] = {
        "ledger.card": card,
        "ledger.refund": refund,
        "ledger.payment": payment,
        "ledger.rate": rate,
        "ledger.limit": limit,
        "ledger.account": account,
        "ledger.call_times": call_times,
    }
    for name, function in reads.items():
        register_action(name, function, writes=False)
    for kind in ("block_card", "dispute", "address", "transfer_limit", "closing", "call"):
        register_action(f"ledger.{kind}", _opener(kind), writes=True)


def card(call: Call) -> dict[str, Any]:
    """The card with the last four digits ``card``: its name and status, ``unknown`` if none has."""
    found = next((one for one in _ledger()["cards"] if one["last"] == call.values["card"]), None)
    if found is None:
        return {"status": "unknown"}
    blocked = ServiceCase.objects.filter(kind="block_card", details__card=found["last"])
    status = "blocked" if blocked.exists() else found["status"]
    return {"status": status, "name": found["name"]}


def refund(call: Call) -> dict[str, Any]:
    """The refund for ``order``, with the day on which the money comes or came."""
    wanted = call.values["order"]
    found = next((one for one in _ledger()["refunds"] if one["order"] == wanted), None)
    if found is None:
        return {"status": "unknown"}
    day = call.today + timedelta(days=found["days"])
    return {**{name: found[name] for name in ("status", "merchant", "amount")}, "day": str(day)}


def payment(call: Call) -> dict[str, Any]:
    """The payment of ``amount``; ``status`` tells whether it can still be disputed."""
    amount = call.values["amount"]
    found = next((one for one in _ledger()["payments"] if one["amount"] == amount), None)
    if found is None:
        return {"status": "unknown"}
    status = "open" if found["days_ago"] <= _DISPUTE_DAYS else "too_old"
    disputed = ServiceCase.objects.filter(
        kind="dispute", details__payment=found["reference"]
    ).first()
    return {
        "status": "disputed" if disputed else status,
        "case": disputed.reference if disputed else "",
        "merchant": found["merchant"],
        "reference": found["reference"],
        "day": str(call.today - timedelta(days=found["days_ago"])),
    }


def rate(call: Call) -> dict[str, Any]:
    """What ``amount`` (in pounds) is in the currency ``to``, at the ledger's rate."""
    number, to = call.values["amount"].split(" ")[0], call.values["to"]
    if to not in _ledger()["rates"]:
        raise ActionFailed(f"There is no rate for {to}.")
    one = Decimal(_ledger()["rates"][to])
    result = (Decimal(number) * one).quantize(Decimal("0.01"))
    return {"rate": str(one), "result": f"{result} {to}"}


def limit(call: Call) -> dict[str, Any]:
    """The daily limit of transfers, and the most that it can be set to without a person."""
    return dict(_ledger()["limit"])


def account(call: Call) -> dict[str, Any]:
    """The balance, and how many payments are still pending."""
    found = _ledger()["account"]
    empty = Decimal(found["balance"].split(" ")[0]) == 0
    return {**found, "empty": empty}


def call_times(call: Call) -> dict[str, Any]:
    """Whether somebody calls on the day ``day``: on working days, from tomorrow for two weeks."""
    day = date.fromisoformat(call.values["day"])
    if day <= call.today:
        return {"status": "too_soon"}
    if day > call.today + timedelta(days=14):
        return {"status": "too_late"}
    if day.weekday() >= _SATURDAY:
        return {"status": "weekend"}
    return {"status": "open", "from": _FIRST_HOUR, "to": _LAST_HOUR}


def _opener(kind: str) -> Callable[[Call], dict[str, Any]]:
    def open_case(call: Call) -> dict[str, Any]:
        opened = case_open(
            kind=kind, key=call.key, conversation_id=call.conversation, details=dict(call.values)
        )
        return {"reference": opened.reference}

    return open_case


@cache
def _ledger() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (settings.DEMO_DIR / "ledger.json").read_text(encoding="utf-8")
    )
    return content
