"""The reader's pages: home, item, search, profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_ratelimit.core import is_ratelimited

from apps.core import events
from apps.core.errors import Problem, RateLimited
from apps.recommend import page, selectors
from apps.recommend.interests import interest_payload, interests_of
from apps.recommend.item_page import item_context
from apps.recommend.match_lists import judged_of
from apps.recommend.models import Kind
from apps.recommend.payloads import history_payload, item_card
from apps.recommend.search import MAX_QUERY
from apps.recommend.services.events import interaction_record
from apps.recommend.services.matches import Asked
from apps.recommend.starting import starting_cards
from apps.recommend.visitors import Visitor, remember, visitor_from

COLD_CHIPS = 18
INTERESTS = 20
SEARCH_RATE, STAY_RATE = "60/m", "120/m"


def _visitor(request: HttpRequest) -> Visitor:
    visitor = visitor_from(request.user, request.COOKIES)
    assert visitor is not None  # a new one is made when there is none
    return visitor


def _page(
    request: HttpRequest, visitor: Visitor, template: str, context: dict[str, Any], seq: int
) -> HttpResponse:
    live = {"stream": visitor.stream, "seq": seq}
    response = render(request, template, {"live": live, **context})
    remember(response, visitor)
    return response


@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The reader's rows."""
    visitor = _visitor(request)
    # The head is read before the content: what happens in between is replayed to the page.
    seq = events.head(visitor.stream)
    inputs = page.page_inputs(visitor.reader, key=visitor.key)
    content = page.page_payload(visitor.reader, inputs, page.rows_of(inputs))
    chips = [
        {"tag": tag, "chosen": tag in inputs.taste.more_tags}
        for tag in inputs.snapshot.top_tags(COLD_CHIPS)
    ]
    context = {
        "page": content,
        "chips": chips,
        "starters": starting_cards(visitor.reader, inputs) if inputs.taste.is_cold else [],
        "is_empty": len(inputs.snapshot) == 0,
        "is_to_enrol": visitor.reader is None and bool(inputs.policy.arms),
    }
    return _page(request, visitor, "recommend/home.html", context, seq)


@require_GET
@never_cache
def item(request: HttpRequest, item_id: str) -> HttpResponse:
    """One item: its text, why it fits, what is like it, what its readers also liked."""
    visitor = _visitor(request)
    seq = events.head(visitor.stream)
    found = selectors.item_get(external_id=item_id)
    context = item_context(visitor.reader, found)
    context |= _judging(request, context["similar"], Asked(of=found))
    return _page(request, visitor, "recommend/item.html", context, seq)


def _judging(
    request: HttpRequest, cards: Sequence[dict[str, Any]], against: Asked
) -> dict[str, Any]:
    """Whether the page asks who reads it what fits, and, on its cards, what they said so far."""
    user: Any = request.user
    if not user.has_perm("recommend.judge"):
        return {"judging": False}
    said = judged_of(actor=user, against=against, item_ids=[card["id"] for card in cards])
    for card in cards:
        card["said"] = said.get(card["id"], "")
    return {"judging": True}


@require_POST
def stay(request: HttpRequest, item_id: str) -> HttpResponse:
    """How long a reader stayed at an item, told by a beacon while the page goes away.

    A form, since a beacon can set no header for the CSRF token. Nobody reads the answer.
    """
    if is_ratelimited(request, group="discover-stay", key="ip", rate=STAY_RATE, increment=True):
        raise RateLimited("Too many visits from your address; wait a minute and try again.")
    visitor = visitor_from(request.user, request.COOKIES, new=False)
    if visitor is not None and visitor.reader is not None:
        interaction_record(
            reader=visitor.reader,
            item_id=item_id,
            kind=Kind.DWELL,
            event_id=request.POST.get("event_id", ""),
            value=request.POST.get("seconds"),
            source="beacon",
        )
    return HttpResponse(status=204)


@require_GET
@never_cache
def search_page(request: HttpRequest) -> HttpResponse:
    """Free-text search."""
    visitor = _visitor(request)
    seq = events.head(visitor.stream)
    query = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:MAX_QUERY]
    context: dict[str, Any] = {"query": query, "results": [], "problem": None}
    if query and is_ratelimited(
        request, group="discover-search", key="ip", rate=SEARCH_RATE, increment=True
    ):
        raise RateLimited("Too many searches from your address; wait a minute and try again.")
    if query:
        try:
            context["results"] = page.search_results(visitor.reader, query, key=visitor.key)
            context |= _judging(request, context["results"], Asked(query=query))
        except Problem as problem:
            context["problem"] = problem
    return _page(request, visitor, "recommend/search.html", context, seq)


@require_GET
@never_cache
def profile(request: HttpRequest) -> HttpResponse:
    """What is saved, what is known of the reader, and the way to have it forgotten."""
    visitor = _visitor(request)
    seq = events.head(visitor.stream)
    reader = visitor.reader
    inputs = page.page_inputs(reader)
    ranked = page.ranked_of(inputs)
    context: dict[str, Any] = {
        "reader": reader,
        "paused": reader is not None and reader.paused,
        "saved": [],
        "history": [],
        "taste": inputs.taste,
        "interests": [
            interest_payload(interest, ranked) for interest in interests_of(ranked, INTERESTS)
        ],
    }
    if reader is not None:
        context["saved"] = [
            item_card(item, kept={"save"}) for item in selectors.saved_list(reader=reader)
        ]
        context["history"] = [
            history_payload(entry) for entry in selectors.history_list(reader=reader)
        ]
        context["preferences"] = selectors.preference_list(reader=reader)
    return _page(request, visitor, "recommend/profile.html", context, seq)
