"""The monitor, an article, a company, the alert inbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.core import events
from apps.market.access import analyst_required
from apps.market.company_chart import company_chart
from apps.market.forms import SECTOR
from apps.market.index_views import half_life_of, moment_of
from apps.market.models import Alert, DatedName, Sentiment
from apps.market.name_models import NAME_FIELDS
from apps.market.payloads import TAPE, alert_stream, split_scores
from apps.market.reasons import anomaly_words
from apps.market.selectors import (
    alerts,
    companies,
    indexes,
    provenance,
    silences,
    sources,
    tape,
)
from apps.market.selectors.anomalies import anomaly_list
from apps.market.selectors.indexes import watchlist_companies
from apps.market.selectors.tape_unknown import unknown_of
from apps.market.sentiment_index import HALF_LIVES, RULES
from apps.market.services.alerts import alerts_acknowledge_all
from apps.market.services.dated_names import RELINK_DATED_JOB
from apps.market.tape_filters import read_filter
from apps.market.topics import TOPICS

ALERTS_SHOWN = 30
MARKS = 30
RISKS = [("0.3", _("Risk from 30%")), ("0.6", _("Risk from 60%")), ("0.8", _("Risk from 80%"))]
NOVELTIES = [("0.5", _("Told once before at most")), ("1.0", _("First tellings"))]


def _tape_context(request: HttpRequest) -> dict[str, Any]:
    wanted = read_filter(request.GET, viewer=request.user.pk)
    rows = tape.tape_list(wanted=wanted, before=tape.read_cursor(request.GET.get("before", "")))
    query = request.GET.copy()
    if len(rows) == tape.PAGE:
        query["before"] = f"{rows[-1].published_at.isoformat()}~{rows[-1].pk}"
    return {
        "rows": rows,
        "wanted": wanted,
        "group": request.GET.get("group", ""),
        "more_filters": wanted
        != replace(
            wanted, source="", sector="", watched_by=None, least_risk=0.0, least_novelty=0.0
        ),
        "older": query.urlencode() if len(rows) == tape.PAGE else "",
        "unknown": [] if rows else unknown_of(wanted=wanted),
    }


@require_GET
@never_cache
@analyst_required
def monitor(request: HttpRequest) -> HttpResponse:
    """The live tape with alerts and the most moved companies."""
    stream = alert_stream(request.user.pk or 0)
    # The heads are read before the content: what happens in between is replayed to the page.
    heads = events.heads([TAPE, stream])
    open_alerts = alerts.ringing_list(owner=request.user)
    return render(
        request,
        "market/monitor.html",
        {
            "live": {"tape": TAPE, "alerts": stream},
            "tape_seq": heads.get(TAPE, 0),
            "alerts_seq": heads.get(stream, 0),
            "alerts": open_alerts[:ALERTS_SHOWN],
            "alerts_open": open_alerts.count(),
            "silences": silences.silences_active(owner=request.user),
            "kept_back": alerts.throttled_list(owner=request.user).count(),
            "moved": companies.most_moved(),
            "known": companies.companies_in_news(),
            "topics": TOPICS,
            "sentiments": [*Sentiment.values, tape.UNSURE],
            "backlog": sources.backlog(),
            "sectors": [(f"{SECTOR}{name}", name) for name in silences.sector_list()],
            "risks": RISKS,
            "novelties": NOVELTIES,
            "source_names": sources.source_names(),
            "watched": [company.pk for company in watchlist_companies(owner=request.user)],
            **_tape_context(request),
        },
    )


@require_GET
@never_cache
@analyst_required
def tape_page(request: HttpRequest) -> HttpResponse:
    """Rows of the tape as a fragment: for other filters, or older than ``before``."""
    template = "parts/tape_rows.html" if "before" in request.GET else "parts/tape.html"
    return render(request, f"market/{template}", _tape_context(request))


@require_GET
@analyst_required
def article_detail(request: HttpRequest, article_id: int) -> HttpResponse:
    """One article: the companies in it, their scores, the rest of its story."""
    article = tape.article_get(article_id=article_id)
    whole, _ = split_scores(article.scores.all())
    story = tape.story_list(article=article)
    return render(
        request,
        "market/article.html",
        {
            "article": article,
            "has_evidence": whole is not None and len(whole.passages) > 1,
            "mentions": list(article.mentions.all()),
            "known": companies.companies_in_news(),
            "story": story,
            # A correction says what it is itself; what it corrects is beside it.
            "amendments": [] if article.correction else [one for one in story if one.correction],
            "alerts": alerts.alert_list(owner=request.user).filter(story_id=article.story_key),
        },
    )


@require_GET
@analyst_required
def article_provenance(request: HttpRequest, article_id: int) -> HttpResponse:
    """The models, versions and weights behind an article's scores, and what people said of them."""
    article = tape.article_get(article_id=article_id)
    context = {
        "origins": provenance.origins_of(article=article),
        "decisions": provenance.decisions_on(article=article),
    }
    return render(request, "market/parts/provenance.html", context)


@require_GET
@analyst_required
def company_detail(request: HttpRequest, company_id: int) -> HttpResponse:
    """A company's index over time, the stories behind it, and its news."""
    company = companies.company_get(company_id=company_id)
    now, half_life = moment_of(request), half_life_of(request)
    course = companies.company_course(company=company, until=now)
    found = list(anomaly_list(company=company.pk).filter(at__lte=now)[:MARKS])
    index = indexes.company_index(company=company, at=now, half_life=half_life)
    return render(
        request,
        "market/company.html",
        {
            "company": company,
            "dated_names": company.dated_names.all(),
            "name_kinds": DatedName.Kind.choices,
            "called": [
                (kind, DatedName.Kind(kind).label, getattr(company, field))
                for kind, field in NAME_FIELDS.items()
            ],
            "jobs": sources.job_list(owner=request.user, kinds=(RELINK_DATED_JOB,)),
            "course": course,
            "chart": company_chart(company, course, index, found, now) if course else None,
            "unusual": [(one, anomaly_words(one)) for one in found[:5]],
            "then": now if "at" in request.GET else None,
            "index_rules": RULES,
            "articles": companies.company_articles(company=company),
            "index": index,
            "shares": indexes.shares_with_articles(report=index),
            "half_life": half_life,
            "half_lives": list(HALF_LIVES),
            "watched": watchlist_companies(owner=request.user).filter(id=company.pk).exists(),
        },
    )


@require_GET
@never_cache
@analyst_required
def alert_inbox(request: HttpRequest) -> HttpResponse:
    """The analyst's alerts: new ones, those a silence kept quiet, or all."""
    tab = request.GET.get("state", "")
    if tab == "silenced":
        found = alerts.alert_list(owner=request.user, quiet=Alert.Quiet.SILENCED)
    elif tab == "all":
        found = alerts.alert_list(owner=request.user)
    else:
        tab, found = "new", alerts.new_list(owner=request.user)
    context = {
        "alerts": found[:200],
        "tab": tab,
        "number": found.count(),
        "silences": silences.silences_active(owner=request.user),
    }
    return render(request, "market/alerts.html", context)


@require_POST
@analyst_required
def alerts_acknowledge(request: HttpRequest) -> HttpResponse:
    """Acknowledge every new alert of the analyst's."""
    alerts_acknowledge_all(actor=request.user)
    return redirect("market:alerts")
