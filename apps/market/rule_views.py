"""The pages on which an analyst keeps alert rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import InvalidInput, Problem
from apps.market.access import analyst_required
from apps.market.forms import SECTOR, RuleForm
from apps.market.models import Rule
from apps.market.selectors import alerts, companies
from apps.market.selectors.backtest import rule_history
from apps.market.selectors.precision import qualities, rule_quality, rule_replay
from apps.market.selectors.silences import sector_list
from apps.market.services import rules
from apps.market.wording import rule_sentence


def _preview(rule: Rule | None, problem: str = "") -> dict[str, Any]:
    if rule is None:
        return {"preview": None, "problem": problem}
    try:
        history = rule_history(rule=rule)
    except Problem as away:  # a rule about meaning needs the encoder
        return {"preview": None, "problem": away.message}
    return {"preview": {"sentence": rule_sentence(rule), "history": history}, "problem": ""}


def _draft(request: HttpRequest, form: RuleForm) -> Rule:
    """The rule that a form describes; raises ``InvalidInput``."""
    if not form.is_valid():
        first = next(iter(form.errors.values()))
        raise InvalidInput(str(first[0]))
    return rules.rule_draft(wanted=form.wanted(), owner=request.user)


def _sectors(form: RuleForm) -> list[tuple[str, str]]:
    """The sectors to choose from, the one of the form among them though no news is about it."""
    names = set(sector_list())
    chosen = str(form["group"].value() or "")
    if chosen.startswith(SECTOR):
        names.add(chosen.removeprefix(SECTOR))
    return [(f"{SECTOR}{name}", name) for name in sorted(names)]


def _page(request: HttpRequest, form: RuleForm, *, status: int = 200, **more: Any) -> HttpResponse:
    own = list(alerts.rule_list(owner=request.user))
    quality = qualities(rules=own)
    context = {
        "form": form,
        "rules": [(rule, rule_sentence(rule), quality[rule.pk]) for rule in own],
        "known": companies.companies_in_news(),
        "sectors": _sectors(form),
        **more,
    }
    return render(request, "market/rules.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def rule_list(request: HttpRequest) -> HttpResponse:
    """The analyst's rules, and a form for a new one."""
    if request.method == "POST":
        form = RuleForm(request.POST)
        try:
            _draft(request, form)
            rule = rules.rule_create(actor=request.user, wanted=form.wanted())
        except InvalidInput as problem:
            return _page(request, form, status=422, **_preview(None, problem.message))
        messages.success(request, gettext("“%(name)s” watches from now on.") % {"name": rule.name})
        return redirect("market:rules")
    start = {
        "threshold": 70,
        "enabled": True,
        "sentiment": "negative",
        "cooldown_minutes": 60,
        "company": request.GET.get("company", "")[:200],
    }
    form = RuleForm(start)
    draft = rules.rule_draft(wanted=form.wanted(), owner=request.user) if form.is_valid() else None
    return _page(request, RuleForm(initial=start), **_preview(draft))


@require_POST
@analyst_required
def rule_preview(request: HttpRequest) -> HttpResponse:
    """The sentence of the form's rule and what it would have done, as a fragment."""
    try:
        context = _preview(_draft(request, RuleForm(request.POST)))
    except InvalidInput as problem:
        context = _preview(None, problem.message)
    return render(request, "market/parts/rule_preview.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def rule_edit(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Change one rule."""
    rule = rules.rule_own(actor=request.user, rule_id=rule_id)
    if request.method == "POST":
        form = RuleForm(request.POST)
        try:
            _draft(request, form)
            rules.rule_update(actor=request.user, rule_id=rule_id, wanted=form.wanted())
        except InvalidInput as problem:
            return _page(request, form, status=422, editing=rule, **_preview(None, problem.message))
        messages.success(request, gettext("The rule is changed."))
        return redirect("market:rules")
    quality, replay = rule_quality(rule=rule), None
    if quality.proposal is not None:
        replay = rule_replay(rule=rule, threshold=quality.proposal.threshold)
    form = RuleForm.of(rule)
    return _page(request, form, editing=rule, quality=quality, replay=replay, **_preview(rule))


@require_POST
@analyst_required
def rule_threshold(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Take over the threshold that the ratings of a rule's alerts propose."""
    rule = rules.rule_own(actor=request.user, rule_id=rule_id)
    proposal = rule_quality(rule=rule).proposal
    # Another rating in another tab may have changed what is proposed since it was shown.
    if proposal is None or f"{proposal.threshold:.2f}" != request.POST.get("threshold"):
        messages.error(request, gettext("The ratings propose something else by now; see below."))
        return redirect("market:rule", rule_id)
    wanted = replace(rules.rule_input(rule), threshold=proposal.threshold)
    rules.rule_update(actor=request.user, rule_id=rule_id, wanted=wanted)
    messages.success(
        request,
        gettext("The rule asks for at least %(share)s from now on.")
        % {"share": f"{proposal.threshold:.0%}"},
    )
    return redirect("market:rules")


@require_POST
@analyst_required
def rule_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    rules.rule_delete(actor=request.user, rule_id=rule_id)
    messages.success(request, gettext("The rule is deleted; its alerts stay."))
    return redirect("market:rules")
