"""What a delivery says. A message holds ``subject`` and ``text`` of an e-mail, the text of a
``slack`` webhook, and ``data``, the body of a signed webhook. Touches no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from apps.market.delivery_models import Channel
from apps.market.models import Alert
from apps.market.payloads import alert_payload, company_payload
from apps.market.reasons import reason_words

Message = dict[str, Any]

DIGEST_SHOWN = 20
"""How many alerts of a company a digest names one by one in its text."""


def alert_message(alert: Alert, *, also: Sequence[Alert] = ()) -> Message:
    """An alert with its headline, where to read it, and what else the story raised."""
    link = article_link(alert.article_id)
    because = reason_words(alert.reasons)
    told = [alert_facts(alert), *([because] if because else [])]
    facts = "\n".join([*told, *(_other(other) for other in also)])
    title = alert.article.title
    return {
        "subject": one_line(f"{alert.rule_name}: {title}"),
        "text": "\n".join([title, facts, "", link, f"The alert: {alert_link(alert)}"]),
        "slack": f"*{escaped(alert.rule_name)}*: {slack_link(link, title)}\n{escaped(facts)}",
        "data": envelope("alert.created", _data(alert, also, link)),
    }


def escalation_message(alert: Alert) -> Message:
    """An alert that nobody has acknowledged."""
    message = alert_message(alert)
    waited = f"Not acknowledged since {alert.created_at:%Y-%m-%d %H:%M} UTC"
    return {
        "subject": one_line(f"Not acknowledged: {message['subject']}"),
        "text": f"{waited}.\n\n{message['text']}",
        "slack": f"{waited}: {message['slack']}",
        "data": {**message["data"], "type": "alert.escalated"},
    }


def _other(alert: Alert) -> str:
    company = f"{alert.company.ticker} " if alert.company else ""
    return f"Also {alert.rule_name}: {company}{alert.label} {alert.probability:.0%}"


def _data(alert: Alert, also: Sequence[Alert], link: str) -> Message:
    others = [
        {
            "id": other.pk,
            "rule": {"id": other.rule_id, "name": other.rule_name},
            "company": company_payload(other.company) if other.company else None,
            "label": other.label,
            "probability": round(other.probability, 4),
        }
        for other in also
    ]
    return {
        **alert_payload(alert),
        "url": link,
        "alert_url": alert_link(alert),
        "also": others,
    }


def overflow_message(details: Message, *, number: int) -> Message:
    """How many alerts of a rule did not ring in an hour, because it had rung often enough."""
    link = site_link("market:alerts")
    first, last = (datetime.fromisoformat(details[end]) for end in ("from", "until"))
    more = "1 more alert" if number == 1 else f"{number} more alerts"
    words = f"{more} of “{details['name']}” between {first:%H:%M} and {last:%H:%M} UTC"
    return {
        "subject": one_line(words),
        "text": f"{words} did not ring, as the rule is set. All of them: {link}",
        "slack": f"{escaped(words)} did not ring. {slack_link(link, 'All alerts')}",
        "data": envelope("alert.overflow", {**details, "number": number, "url": link}),
    }


def digest_message(details: Message, alerts: Sequence[Alert]) -> Message:
    """The alerts of a period, company by company, the one with the most first."""
    first, last = (datetime.fromisoformat(details[end]) for end in ("from", "until"))
    number = "1 alert" if len(alerts) == 1 else f"{len(alerts)} alerts"
    head = f"{number} from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    groups = _by_company(alerts)
    text, slack = [head], [escaped(head)]
    for name, found in groups:
        text += ["", f"{name} ({len(found)})"]
        slack += [f"*{escaped(name)}* ({len(found)})"]
        for alert in found[:DIGEST_SHOWN]:
            line = f"{alert.label} {alert.probability:.0%} · {alert.rule_name} · {alert.state}"
            link = article_link(alert.article_id)
            text += [f"- {alert.article.title}", f"  {line}", f"  {link}"]
            slack += [f"• {slack_link(link, alert.article.title)} {escaped(line)}"]
        if (more := len(found) - DIGEST_SHOWN) > 0:
            text.append(f"- and {more} more")
            slack.append(f"• and {more} more")
    companies = [
        {
            "name": name,
            "alerts": [
                {**alert_payload(alert), "url": article_link(alert.article_id)} for alert in found
            ],
        }
        for name, found in groups
    ]
    return {
        "subject": one_line(head),
        "text": "\n".join([*text, "", f"All alerts: {site_link('market:alerts')}"]),
        "slack": "\n".join(slack),
        "data": envelope(
            "alert.digest",
            {"from": details["from"], "until": details["until"], "companies": companies},
        ),
    }


def _by_company(alerts: Sequence[Alert]) -> list[tuple[str, list[Alert]]]:
    groups: dict[str, list[Alert]] = {}
    for alert in alerts:
        company = alert.company
        name = f"{company.ticker} {company.name}" if company else "No company"
        groups.setdefault(name, []).append(alert)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def test_message(channel: Channel) -> Message:
    """Words by which somebody sees that a channel works."""
    words = f"This is a test of the channel “{channel.name}”. Alerts arrive here like this."
    return {
        "subject": one_line(f"Test of {channel.name}"),
        "text": words,
        "slack": escaped(words),
        "data": envelope("test", {"channel": channel.name}),
    }


def alert_facts(alert: Alert) -> str:
    """Company, sentiment, topic and source on one line."""
    # News as a whole: the companies in it are named, though the alert is about none of them.
    about = [alert.company] if alert.company else [one.company for one in alert.article.targeted]
    company = ", ".join(f"{one.ticker} {one.name}" for one in about if one)
    sentiment = f"{alert.label} {alert.probability:.0%}"
    source = alert.article.source.name
    at = f"{alert.article.published_at:%Y-%m-%d %H:%M} UTC"
    return " · ".join(part for part in (company, sentiment, alert.topic, source, at) if part)


def envelope(kind: str, data: Message) -> Message:
    """The body of a signed webhook: what happened, when, and to what."""
    return {"type": kind, "timestamp": timezone.now().isoformat(), "data": data}


def article_link(article_id: int) -> str:
    return site_link("market:article", article_id)


def alert_link(alert: Alert) -> str:
    return site_link("market:alert", alert.pk)


def site_link(name: str, *arguments: Any) -> str:
    """The full address of a page."""
    return f"{settings.SITE_URL}{reverse(name, args=arguments)}"


def one_line(text: str) -> str:
    """Text as a mail header may hold it."""
    return " ".join(text.split())[:200]


def escaped(text: str) -> str:
    """Text as Slack takes it: three characters are markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_link(url: str, text: str) -> str:
    return f"<{url}|{escaped(text).replace('|', '¦')}>"
