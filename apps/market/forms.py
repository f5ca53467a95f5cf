"""Forms of the Market pages."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.errors import InvalidInput
from apps.market.models import Rule, Sentiment
from apps.market.selectors.companies import company_asked
from apps.market.services.rules import RuleInput
from apps.market.topics import TOPICS

COOLDOWNS = [
    (0, "no rest"),
    (30, "30 minutes"),
    (60, "1 hour"),
    (240, "4 hours"),
    (1440, "1 day"),
]


class RuleForm(forms.Form):
    """A rule as its owner writes it; the company is typed as ticker or name."""

    name = forms.CharField(max_length=120, required=False)
    company = forms.CharField(max_length=200, required=False)
    sentiment = forms.ChoiceField(choices=[("", "any"), *Sentiment.choices], required=False)
    threshold = forms.IntegerField(min_value=34, max_value=99, required=False)
    topic = forms.ChoiceField(choices=[("", "any"), *((t, t) for t in TOPICS)], required=False)
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
        )

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
            }
        )
