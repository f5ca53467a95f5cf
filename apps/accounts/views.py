"""Sign-in, sign-up, the account page and, in demo mode, one-click sign-in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django.views.i18n import set_language
from django_ratelimit.core import is_ratelimited
from knox.models import AuthToken

from apps.accounts import selectors, services
from apps.accounts.forms import SignUpForm, TokenForm
from apps.accounts.models import Role, User
from apps.core.errors import NotFound, Problem, RateLimited

BACKEND = "django.contrib.auth.backends.ModelBackend"
HOME_OF = {
    Role.OPERATOR: "support:console",
    Role.ANALYST: "market:monitor",
    Role.LEAD: "modelhub:models",
    Role.MEMBER: "recommend:home",
    Role.ADMINISTRATOR: "modelhub:models",
}


def _limit(request: HttpRequest, group: str, rate: str) -> None:
    if is_ratelimited(request, group=group, key="ip", rate=rate, increment=True):
        raise RateLimited("Too many attempts from your address; wait a minute and try again.")


def _next_page(request: HttpRequest, user: User) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return HOME_OF[Role(user.role)]


class SignInView(LoginView):
    """Sign in; ten attempts a minute for each address."""

    template_name = "accounts/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo_users = services.DEMO_USERS if settings.DEMO else ()
        return super().get_context_data(**kwargs) | {"demo_users": demo_users}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _limit(request, "sign-in", "10/m")
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        login(self.request, form.get_user())
        return redirect(_next_page(self.request, form.get_user()))


@require_POST
def demo_sign_in(request: HttpRequest, username: str) -> HttpResponse:
    """Sign in as one of the demo people, in demo mode only."""
    if not settings.DEMO or username not in {demo.username for demo in services.DEMO_USERS}:
        raise NotFound("There is no such demo user.")
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound("The demo content is not loaded; run: manage.py load_demo")
    login(request, user, backend=BACKEND)
    return redirect(_next_page(request, user))


def sign_up(request: HttpRequest) -> HttpResponse:
    """Register as a member."""
    form = SignUpForm(request.POST or None)
    if request.method == "POST":
        _limit(request, "sign-up", "10/m")
        if form.is_valid():
            try:
                user = services.member_register(**form.cleaned_data)
            except Problem as problem:
                form.add_error(None, problem.message)
            else:
                login(request, user, backend=BACKEND)
                return redirect(_next_page(request, user))
    return render(request, "accounts/sign_up.html", {"form": form})


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Who one is, and one's API tokens; a new token's secret is shown once."""
    user = selectors.signed_in(request)
    form, secret = TokenForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        _, secret = services.token_create(user=user, **form.cleaned_data)
        form = TokenForm()
    context = {"form": form, "secret": secret, "tokens": selectors.token_list(user=user)}
    return render(request, "accounts/account.html", context)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Show pages in another language from now on: kept in the account, and for this browser.

    Goes back to ``next`` if that is a page of this site.
    """
    chosen = request.POST.get("language", "")
    if isinstance(request.user, User):
        services.language_set(user=request.user, language=chosen)
    return set_language(request)


@require_POST
@login_required
def token_revoke(request: HttpRequest, digest: str) -> HttpResponse:
    token = AuthToken.objects.filter(pk=digest).first()
    if token is None:
        raise NotFound("There is no such token.")
    services.token_revoke(actor=selectors.signed_in(request), token=token)
    return redirect("accounts:account")
