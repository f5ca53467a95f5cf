"""JSON shapes of promises."""

from __future__ import annotations

from typing import Any

from apps.support.models import IntentGroup, PromiseNotice
from apps.support.promises import shown
from apps.support.selectors import promises as selectors
from ml.evaluation.promises import Promise


def group_payload(group: IntentGroup) -> dict[str, Any]:
    return {
        "id": group.pk,
        "name": group.name,
        "intents": group.intents,
        "error": group.error,
        "updated_at": group.updated_at.isoformat(),
    }


def promises_payload() -> dict[str, Any]:
    """Every group with its numbers, and the notices that are open."""
    return {
        "groups": [_report_payload(row) for row in selectors.promise_list()],
        "notices": [_notice_payload(notice) for notice in selectors.notice_list()],
    }


def _report_payload(row: selectors.GroupReport) -> dict[str, Any]:
    return group_payload(row.group) | {
        "held_out_rows": row.rows,
        "least_error": row.least,
        "promise": _promise_payload(row.kept) if row.kept else None,
        "choices": [_promise_payload(choice) for choice in row.choices],
        "weeks": [_measured_payload(week) for week in row.weeks],
        "measured": _measured_payload(row.total),
    }


def _promise_payload(promise: Promise) -> dict[str, Any]:
    return {
        "error": promise.error,
        "can_be_kept": promise.can_be_kept,
        "threshold": shown(promise.threshold),
        "answered": promise.answered,
        "wrong": promise.wrong,
    }


def _measured_payload(measured: selectors.Measured) -> dict[str, Any]:
    return {
        "week": measured.week.isoformat() if measured.week else None,
        "answered": measured.answered,
        "checked": measured.checked,
        "wrong": measured.wrong,
        "of_answered": measured.of_answered,
        "of_checked": measured.of_checked,
    }


def _notice_payload(notice: PromiseNotice) -> dict[str, Any]:
    return {
        "group": notice.group_id,
        "kind": notice.kind,
        "text": notice.text,
        "raised_at": notice.raised_at.isoformat(),
    }
