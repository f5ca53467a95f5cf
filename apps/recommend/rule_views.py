"""The pages on which the team keeps its business rules."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.recommend import selectors
from apps.recommend.index import snapshot
from apps.recommend.models import BusinessRule, Experiment, Reader
from apps.recommend.rule_drafts import rule_draft
from apps.recommend.rule_preview import Preview, rule_preview, sample_reader, shown_fits
from apps.recommend.rule_words import change_words, rule_sentence
from apps.recommend.services.business_rules import OBJECT, rule_delete, rule_save
from apps.recommend.team import team_required

HISTORY = 20
_PLAIN = ("name", "action", "amount", "per", "priority", "audience", "starts_at", "ends_at")
_LISTS = ("tags", "authors", "item_ids")
_ACTS = {
    "rule.made": gettext_lazy("made a rule"),
    "rule.changed": gettext_lazy("changed a rule"),
    "rule.deleted": gettext_lazy("deleted a rule"),
}
_VALUES = ("language", "price_min", "price_max", "older_than_days", "newer_than_days")


def given_of(form: QueryDict) -> dict[str, Any]:
    """What a form says, in the shape that the API takes."""
    conditions: dict[str, Any] = {
        name: [part.strip() for part in form.get(name, "").split("|") if part.strip()]
        for name in _LISTS
    }
    conditions |= {name: form.get(name, "").strip() or None for name in _VALUES}
    if name := form.get("attribute_name", "").strip():
        conditions["attribute"] = {
            "name": name,
            "is": form.get("attribute_is", "="),
            "value": _scalar(form.get("attribute_value", "").strip()),
        }
    given: dict[str, Any] = {name: form.get(name, "").strip() for name in _PLAIN}
    return given | {"conditions": conditions, "enabled": form.get("enabled") == "on"}


def _scalar(text: str) -> str | int | float | bool:
    """A value as it stands in JSON: a number and a truth are not texts."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _form_of(rule: BusinessRule | None) -> dict[str, Any]:
    """What the form shows of a rule."""
    if rule is None:
        return {"action": "boost", "amount": "1", "priority": "0", "enabled": True, "is": "="}
    held, attribute = rule.conditions, rule.conditions.get("attribute", {})
    value = attribute.get("value", "")
    return {
        **{name: getattr(rule, name) for name in ("name", "action", "per", "priority", "audience")},
        "amount": f"{rule.amount:g}",
        "enabled": rule.enabled,
        "starts_at": f"{rule.starts_at:%Y-%m-%dT%H:%M}" if rule.starts_at else "",
        "ends_at": f"{rule.ends_at:%Y-%m-%dT%H:%M}" if rule.ends_at else "",
        **{name: "|".join(held.get(name, [])) for name in _LISTS},
        **{name: held.get(name, "") for name in _VALUES},
        "attribute_name": attribute.get("name", ""),
        "is": attribute.get("is", "="),
        "attribute_value": str(value).lower() if isinstance(value, bool) else value,
    }


def _page(
    request: HttpRequest, rule: BusinessRule | None, problem: str = "", preview: Any = None
) -> HttpResponse:
    values = _form_of(rule)
    if problem:
        values |= {**request.POST.dict(), "is": request.POST.get("attribute_is", "=")}
        values["enabled"] = request.POST.get("enabled") == "on"
    rules = list(BusinessRule.objects.all())
    entries = AuditEntry.objects.filter(object_type=OBJECT).select_related("actor")
    if rule is not None:
        entries = entries.filter(object_id=str(rule.pk))
    context = {
        "rules": [(held, rule_sentence(held), shown_fits(held, snapshot())) for held in rules],
        "audiences": _audiences(values.get("audience", "")),
        "editing": rule,
        "values": values,
        "problem": problem,
        "preview": preview,
        "actions": BusinessRule.Action.choices,
        "comparisons": ("=", "!=", ">", "<"),
        "history": [
            (entry, _ACTS.get(entry.action, entry.action), change_words(entry.details))
            for entry in entries.order_by("-id")[:HISTORY]
        ],
        "reader": request.POST.get("reader", ""),
    }
    return render(request, "recommend/rules.html", context, status=422 if problem else 200)


def _audiences(own: str) -> list[str]:
    """The arms that a rule may be for: those of experiments that may still run, and its own."""
    planned = Experiment.objects.exclude(status=Experiment.Status.STOPPED)
    arms = [f"{experiment.key}/{arm['name']}" for experiment in planned for arm in experiment.arms]
    return list(dict.fromkeys([*arms, *([own] if own else [])]))


@require_http_methods(["GET", "POST"])
@never_cache
@team_required
def rules_page(request: HttpRequest, rule_id: int | None = None) -> HttpResponse:
    """All rules, with a form for a new one or for the one that is changed."""
    rule = get_object_or_404(BusinessRule, pk=rule_id) if rule_id else None
    if request.method == "GET":
        return _page(request, rule, preview=_of_sample(rule) if rule else None)
    try:
        saved = rule_save(actor=request.user, given=given_of(request.POST), rule=rule)
    except InvalidInput as problem:
        return _page(request, rule, problem.message)
    messages.success(request, gettext("“%(name)s” is saved.") % {"name": saved.name})
    return redirect("recommend:rules")


def _of_sample(rule: BusinessRule) -> Preview:
    return rule_preview(rule, sample_reader())


@require_POST
@team_required
def preview(request: HttpRequest, rule_id: int | None = None) -> HttpResponse:
    """What the rule in the form would change, as a fragment."""
    context: dict[str, Any] = {}
    try:
        rule = get_object_or_404(BusinessRule, pk=rule_id) if rule_id else None
        draft = rule_draft(given_of(request.POST), rule)
        context["preview"] = rule_preview(draft, _reader(request.POST.get("reader", "").strip()))
    except InvalidInput as problem:
        context["problem"] = problem.message
    return render(request, "recommend/parts/rule_preview.html", context)


def _reader(name: str) -> Reader | None:
    if not name:
        return sample_reader()
    reader = selectors.reader_named(name=name)
    if reader is None:
        raise InvalidInput("There is no reader %(name)r.", code="unknown_reader", name=name[:80])
    return reader


@require_POST
@team_required
def rule_remove(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = get_object_or_404(BusinessRule, pk=rule_id)
    name = rule.name
    rule_delete(actor=request.user, rule=rule)
    messages.success(request, gettext("“%(name)s” is deleted.") % {"name": name})
    return redirect("recommend:rules")
