"""Roles as predicates, for the permissions of every app."""

from __future__ import annotations

from typing import Any

import rules


@rules.predicate
def is_operator(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_operator)


@rules.predicate
def is_analyst(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_analyst)


@rules.predicate
def is_lead(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_lead)


@rules.predicate
def is_administrator(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_administrator)


@rules.predicate
def owns_token(user: Any, token: Any) -> bool:
    return token is not None and token.user_id == user.pk


rules.add_perm("accounts.revoke_token", owns_token | is_administrator)
