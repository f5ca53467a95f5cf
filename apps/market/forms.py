"""Forms of the Market pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput
from apps.market.models import Detector, Rule, Sentiment
from apps.market.selectors.companies import company_asked
from apps.market.services.rules import RuleInput
from apps.market.topics import TOPICS

COOLDOWNS = [
    (0, gettext_lazy("no rest")),
    (30, gettext_lazy("30 minutes")),
    (60, gettext_lazy("1 hour")),
    (240, gettext_lazy("4 hours")),
    (1440, gettext_lazy("1 day")),
]

ANOMALIES = [
    ("", gettext_lazy("or not")),
    (Rule.ANY, gettext_lazy("in any way")),
    (Detector.Kind.BURST.value, gettext_lazy("burst of news")),
    (Detector.Kind.SHIFT.value, gettext_lazy("shift of sentiment")),
    (Detector.Kind.DIVERGENCE.value, gettext_lazy("apart from its sector")),
    (Detector.Kind.RARE.value, gettext_lazy("rare event")),
]

WATCHLIST, SECTOR = "watchlist", "sector:"
"""What the group of companies is called that a rule is about."""


class RuleForm(forms.Form):
    """A rule as its owner writes it; the company is typed as ticker or name."""

    name = forms.CharField(max_length=120, required=False)
    company = forms.CharField(max_length=200, required=False)
    group = forms.CharField(max_length=80, required=False)
    words = forms.CharField(max_length=600, required=False)
    least_risk = forms.IntegerField(min_value=0, max_value=100, required=False)
    least_novelty = forms.IntegerField(min_value=0, max_value=100, required=False)
    meaning = forms.CharField(max_length=400, required=False)
    least_likeness = forms.IntegerField(min_value=20, max_value=90, required=False)
    anomaly = forms.ChoiceField(choices=ANOMALIES, required=False)
    sentiment = forms.ChoiceField(
        choices=[("", gettext_lazy("any")), *Sentiment.choices], required=False
    )
    threshold = forms.IntegerField(min_value=34, max_value=99, required=False)
    topic = forms.ChoiceField(
        choices=[("", gettext_lazy("any")), *((t, gettext_lazy(t)) for t in TOPICS)], required=False
    )
    cooldown_minutes = forms.TypedChoiceField(choices=COOLDOWNS, coerce=int, required=False)
    enabled = forms.BooleanField(required=False)

    def clean_company(self) -> int | None:
        text = self.cleaned_data["company"].strip()
        if not text:
            return None
        try:
            return company_asked(text=text).pk
        except InvalidInput as problem:
            raise forms.ValidationError(problem.message) from problem

    def wanted(self) -> RuleInput:
        """The rule that the valid form describes."""
        data: dict[str, Any] = self.cleaned_data
        return RuleInput(
            name=data["name"],
            company_id=data["company"],
            sentiment=data["sentiment"],
            threshold=(data["threshold"] or 60) / 100,
            topic=data["topic"],
            enabled=data["enabled"],
            cooldown_minutes=data["cooldown_minutes"] or 0,
            sector=data["group"].removeprefix(SECTOR) if data["group"].startswith(SECTOR) else "",
            watched=data["group"] == WATCHLIST,
            words=data["words"],
            least_risk=(data["least_risk"] or 0) / 100,
            least_novelty=(data["least_novelty"] or 0) / 100,
            meaning=data["meaning"],
            least_likeness=(data["least_likeness"] or 45) / 100,
            anomaly=data["anomaly"],
        )

    def clean_group(self) -> str:
        group = str(self.cleaned_data["group"])
        if group and group != WATCHLIST and not group.startswith(SECTOR):
            raise forms.ValidationError("Choose your watchlist, a sector, or none of them.")
        return group

    @classmethod
    def of(cls, rule: Rule) -> RuleForm:
        """The form filled with a rule."""
        company = f"{rule.company.ticker} · {rule.company.name}" if rule.company else ""
        return cls(
            initial={
                "name": rule.name,
                "company": company,
                "sentiment": rule.sentiment,
                "threshold": round(rule.threshold * 100),
                "topic": rule.topic,
                "cooldown_minutes": rule.cooldown_minutes,
                "enabled": rule.enabled,
                "group": WATCHLIST if rule.watched else rule.sector and f"{SECTOR}{rule.sector}",
                "words": rule.words,
                "least_risk": round(rule.least_risk * 100),
                "least_novelty": round(rule.least_novelty * 100),
                "meaning": rule.meaning,
                "least_likeness": round(rule.least_likeness * 100),
                "anomaly": rule.anomaly,
            }
        )
