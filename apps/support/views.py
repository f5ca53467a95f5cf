"""The widget, the public help centre and the operators' console."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET

from apps.accounts.models import User
from apps.accounts.selectors import signed_in
from apps.core import events
from apps.core.errors import NotAllowed, Problem
from apps.support import assist, knowledge, selectors, services
from apps.support.markdown import safe_html
from apps.support.models import Article, Conversation
from apps.support.payloads import (
    MAX_TEXT,
    SHOWN_MESSAGES,
    conversation_payload,
    duty_payload,
    message_payload,
    note_payload,
    team_payload,
    view_payload,
)
from apps.support.selectors import customers, promises
from apps.support.services.entity_corrections import entity_labels
from apps.support.services.seeing import conversation_look
from apps.support.visitors import ensure_visitor, remember

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LONGEST_TITLE = 60
_SCORES = (60, 90, 150)
"""The scores that the list can be narrowed to."""
_LIST_LENGTH = 100
"""Rows that the console comes with; it asks for the others as they come into sight."""


@require_GET
@xframe_options_exempt
@csp_replace({"frame-ancestors": settings.WIDGET_FRAME_ANCESTORS})
def widget(request: HttpRequest) -> HttpResponse:
    """The customer's chat; it needs no account and may stand in a frame on allowed sites.

    ``?ask=`` puts a question into the box, for the customer to send; ``?title=``, ``?accent=`` (as
    ``#14694a``) and ``?language=`` are how the embedding site wants it to look.
    """
    if (language := request.GET.get("language", "")) in dict(settings.LANGUAGES):
        translation.activate(language)
    visitor, is_new = ensure_visitor(request)
    accent = request.GET.get("accent", "")
    context = {
        "framed": "frame" in request.GET,
        "ask": request.GET.get("ask", "")[:MAX_TEXT],
        "title": request.GET.get("title", "")[:_LONGEST_TITLE].strip(),
        "accent": accent if _COLOUR.fullmatch(accent) else "",
    }
    response = render(request, "support/widget.html", context)
    if is_new:
        remember(response, visitor, request)
    return response


@require_GET
def help_list(request: HttpRequest) -> HttpResponse:
    """The public help centre."""
    query = request.GET.get("q", "")[:200].strip()
    articles = _found(query) if query else list(selectors.article_list())
    topics: dict[str, list[Article]] = {}
    for article in articles:
        topics.setdefault("" if query else article.topic, []).append(article)
    return render(
        request, "support/help_list.html", {"topics": sorted(topics.items()), "query": query}
    )


def _found(query: str) -> list[Article]:
    """By meaning and words; by words alone while the models are away."""
    try:
        slugs = knowledge.search_slugs(query)
    except Problem:
        return list(selectors.article_list(query=query))
    found = selectors.article_list().in_bulk(slugs, field_name="slug")
    return [found[slug] for slug in slugs if slug in found]


@require_GET
def help_article(request: HttpRequest, slug: str) -> HttpResponse:
    article = selectors.article_get(slug=slug)
    return render(
        request, "support/help_article.html", {"article": article, "html": safe_html(article.body)}
    )


@login_required
@require_GET
def console(request: HttpRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """The operators' console: list, thread, inspector."""
    user = signed_in(request)
    if not user.has_perm("support.use_console"):
        raise NotAllowed("The console is for operators.")
    tab = request.GET.get("tab", "waiting" if conversation_id is None else "all")
    tab = tab if tab in selectors.TABS else "all"
    inboxes = _inboxes(user)
    filters = selectors.Filters.of(request.GET)
    page = selectors.conversation_page(tab=tab, operator=user, filters=filters, size=_LIST_LENGTH)
    context: dict[str, Any] = {
        "tab": tab,
        "counts": selectors.counts(operator=user),
        "inboxes": inboxes,
        "listed": {
            "rows": [conversation_payload(row) for row in page.rows],
            "total": _total(page, tab=tab, operator=user, filters=filters),
            "cursor": page.next,
        },
        "operator": {
            "id": user.pk,
            "name": user.display_name,
            "teams": [team.pk for team in selectors.private_teams(operator=user)],
        },
        "desk": _desk(user),
        "priorities": Conversation.Priority.choices,
        "scores": _SCORES,
        "macros": _macros() if conversation_id else [],
        "thread": _thread(conversation_id, user) if conversation_id else None,
        "filters": filters,
        "filter_query": urlencode(filters.as_query()),
        "views": [view_payload(view) for view in selectors.view_list(operator=user)],
        "endangered": len(promises.notice_list()),
        "may_change_teams": user.has_perm("support.change_teams"),
    }
    if conversation_id is not None:
        conversation = selectors.conversation_seen(conversation_id=conversation_id, operator=user)
        conversation_look(conversation=conversation, operator=user)
        context["entity_kinds"] = entity_labels()
        context["colleagues"] = selectors.colleagues(team=conversation.team)
    return render(request, "support/console.html", context)


def _total(page: selectors.Page, *, tab: str, operator: User, filters: selectors.Filters) -> int:
    """How many rows the list has, of which the page shows the first."""
    if page.next is None:
        return len(page.rows)
    return selectors.conversation_list(tab=tab, operator=operator, filters=filters).count()


def _inboxes(user: User) -> dict[str, int]:
    """The streams with the rows that the operator may see, with their heads."""
    private = [services.team_inbox(team.pk) for team in selectors.private_teams(operator=user)]
    own = services.mentions_stream(user.pk)
    streams = [services.INBOX, services.DESK, own, *private]
    return dict.fromkeys(streams, 0) | events.heads(streams)


def _desk(user: User) -> dict[str, Any]:
    """The colleagues with their presence, oneself first, and the teams."""
    people = [duty_payload(one, selectors.presence_of(one)) for one in selectors.colleagues()]
    own = next((one for one in people if one["id"] == user.pk), None)
    return {
        "people": people,
        "away": bool(own and own["presence"] == "away"),
        "teams": [team_payload(team) for team in selectors.team_list()],
    }


def _macros() -> list[dict[str, str]]:
    return [{"name": macro.name, "text": macro.text} for macro in services.macro_list()]


def _thread(conversation_id: UUID, user: User) -> dict[str, Any]:
    """A conversation with its messages; the stream's head is read before them."""
    stream = services.conversation_stream(conversation_id)
    notes = services.notes_stream(conversation_id)
    seq, notes_seq = events.head(stream), events.head(notes)
    conversation = selectors.conversation_seen(conversation_id=conversation_id, operator=user)
    messages = selectors.message_list(conversation=conversation, latest=SHOWN_MESSAGES)
    return {
        "conversation": conversation_payload(conversation),
        "stream": stream,
        "seq": seq,
        "read": conversation.visitor_read,
        "messages": [message_payload(message) for message in messages],
        "notes_stream": notes,
        "notes_seq": notes_seq,
        "notes": [note_payload(note) for note in selectors.note_list(conversation=conversation)],
    }


@login_required
@require_GET
def inspector(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Why the bot said what it said, in ``?answer=<seq>`` or last: a fragment of the console."""
    if not request.user.has_perm("support.view_conversation"):
        raise NotAllowed("The console is for operators.")
    conversation = selectors.conversation_seen(
        conversation_id=conversation_id, operator=signed_in(request)
    )
    answer = request.GET.get("answer", "")
    message = selectors.analysed_message(
        conversation=conversation, answer_seq=int(answer) if answer.isdecimal() else None
    )
    context = {
        "conversation": conversation,
        "message": message,
        "summary": selectors.summary_get(conversation=conversation),
        "rating": customers.rating_of(conversation=conversation),
        "customer": customers.customer_of(visitor=conversation.visitor),
        "history": customers.history_of(conversation=conversation, operator=signed_in(request)),
    }
    return render(request, "support/inspector.html", context)


@login_required
@require_GET
def assistance(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Drafts with their sources, similar cases, the next article: a fragment of the console."""
    operator = signed_in(request)
    if not operator.has_perm("support.view_conversation"):
        raise NotAllowed("The console is for operators.")
    conversation = selectors.conversation_seen(conversation_id=conversation_id, operator=operator)
    context: dict[str, Any] = {}
    try:
        context["assist"] = assist.assist(conversation=conversation, operator=operator)
    except Problem as problem:
        context["problem"] = problem
    return render(request, "support/parts/assist.html", context)
