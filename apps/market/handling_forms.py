"""Forms of what happens to alerts: the handling of a rule, silences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.errors import InvalidInput
from apps.market.models import Handling, Silence
from apps.market.selectors.companies import company_asked
from apps.market.services.handling import MAX_AN_HOUR, MAX_ESCALATE, HandlingInput, handling_input
from apps.market.services.silences import SilenceInput

DAYS = [
    ("0", _("Mon")),
    ("1", _("Tue")),
    ("2", _("Wed")),
    ("3", _("Thu")),
    ("4", _("Fri")),
    ("5", _("Sat")),
    ("6", _("Sun")),
]
SPELLS = [
    (60, _("1 hour")),
    (240, _("4 hours")),
    (480, _("8 hours")),
    (1440, _("1 day")),
    (4320, _("3 days")),
    (10080, _("1 week")),
]
_TIMES = ["%H:%M", "%H:%M:%S"]


class HandlingForm(forms.Form):
    """What happens to the alerts of a rule, as its owner sets it."""

    channels = forms.TypedMultipleChoiceField(coerce=int, required=False)
    days = forms.MultipleChoiceField(choices=DAYS, required=False)
    opens = forms.TimeField(input_formats=_TIMES, required=False)
    closes = forms.TimeField(input_formats=_TIMES, required=False)
    time_zone = forms.CharField(max_length=60, required=False)
    outside = forms.ChoiceField(choices=Handling.Outside.choices, required=False)
    max_an_hour = forms.IntegerField(min_value=0, max_value=MAX_AN_HOUR, required=False)
    escalate_minutes = forms.IntegerField(min_value=0, max_value=MAX_ESCALATE, required=False)
    escalate_to = forms.IntegerField(required=False)
    escalate_channel = forms.IntegerField(required=False)

    def __init__(self, *arguments: Any, channels: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        choices = [(channel.pk, channel.name) for channel in channels]
        self.fields["channels"].choices = choices  # type: ignore[attr-defined]

    def wanted(self) -> HandlingInput:
        """The handling that the form describes; raises ``InvalidInput``."""
        if not self.is_valid():
            field, errors = next(iter(self.errors.items()))
            raise InvalidInput(str(errors[0]), fields={field: str(errors[0])})
        data: dict[str, Any] = self.cleaned_data
        return HandlingInput(
            channel_ids=tuple(data["channels"]),
            days="" if len(data["days"]) == len(DAYS) else "".join(data["days"]),
            opens=data["opens"],
            closes=data["closes"],
            time_zone=data["time_zone"].strip() or "UTC",
            outside=data["outside"] or Handling.Outside.WAIT,
            max_an_hour=data["max_an_hour"] or 0,
            escalate_minutes=data["escalate_minutes"] or 0,
            escalate_to_id=data["escalate_to"],
            escalate_channel_id=data["escalate_channel"],
        )

    @classmethod
    def of(cls, handling: Handling, *, channels: Any) -> HandlingForm:
        """The form filled with a handling."""
        stands = handling_input(handling)
        return cls(
            initial={
                "channels": list(stands.channel_ids),
                "days": list(stands.days),
                "opens": stands.opens,
                "closes": stands.closes,
                "time_zone": stands.time_zone,
                "outside": stands.outside,
                "max_an_hour": stands.max_an_hour or "",
                "escalate_minutes": stands.escalate_minutes or "",
                "escalate_to": stands.escalate_to_id,
                "escalate_channel": stands.escalate_channel_id,
            },
            channels=channels,
        )


class SilenceForm(forms.Form):
    """A silence; ``subject`` is a kind with what it names, as ``rule:12`` or ``sector:Energy``."""

    subject = forms.CharField(max_length=80)
    company = forms.CharField(max_length=200, required=False)
    starts_at = forms.DateTimeField(required=False)
    minutes = forms.TypedChoiceField(choices=SPELLS, coerce=int)
    reason = forms.CharField(max_length=300)

    def wanted(self) -> SilenceInput:
        """The silence that the form describes; raises ``InvalidInput``."""
        if not self.is_valid():
            field, errors = next(iter(self.errors.items()))
            raise InvalidInput(f"{field}: {errors[0]}", fields={field: str(errors[0])})
        data: dict[str, Any] = self.cleaned_data
        kind, _, named = data["subject"].partition(":")
        more: dict[str, Any] = {}
        if kind == Silence.Kind.COMPANY:
            more["company_id"] = company_asked(text=data["company"]).pk
        elif kind == Silence.Kind.RULE:
            more["rule_id"] = int(named) if named.isdecimal() else None
        elif kind in (Silence.Kind.SECTOR, Silence.Kind.TOPIC):
            more[kind] = named
        starts = data["starts_at"]
        ends = (starts or timezone.now()) + timedelta(minutes=data["minutes"])
        return SilenceInput(
            kind=kind, reason=data["reason"], starts_at=starts, ends_at=ends, **more
        )
