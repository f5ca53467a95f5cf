"""Writes: people, tokens, audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from knox.models import AuthToken

from apps.accounts.models import AuditEntry, Role, User
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.jobs import ProgressReporter

DEMO_PASSWORD = "trefoil-demo"  # noqa: S105 - printed by make run, exists in demo mode only


@dataclass(frozen=True, slots=True)
class DemoUser:
    username: str
    first_name: str
    last_name: str
    role: Role


DEMO_USERS = (
    DemoUser("olivia", "Olivia", "Marsh", Role.OPERATOR),
    DemoUser("omar", "Omar", "Reyes", Role.OPERATOR),
    DemoUser("anna", "Anna", "Lindqvist", Role.ANALYST),
    DemoUser("lena", "Lena", "Novak", Role.LEAD),
    DemoUser("mei", "Mei", "Tan", Role.MEMBER),
    DemoUser("admin", "Ada", "Winter", Role.ADMINISTRATOR),
)


def audit_record(
    *,
    actor: Any | None,
    action: str,
    object_type: str = "",
    object_id: Any = "",
    **details: Any,
) -> AuditEntry:
    """Record that ``actor`` did ``action``, in the caller's transaction."""
    known = actor if actor is not None and actor.is_authenticated else None
    return AuditEntry.objects.create(
        actor=known,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        details=details,
    )


def member_register(*, username: str, password: str) -> User:
    """Create a member; raises ``InvalidInput`` (weak password) or ``Conflict`` (taken name)."""
    user = User(username=username.strip(), role=Role.MEMBER)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), code="invalid_credentials") from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            audit_record(actor=user, action="member.registered")
    except IntegrityError as error:
        raise Conflict("This name is taken.", code="username_taken") from error
    return user


def language_set(*, user: User, language: str) -> User:
    """Keep the language of the pages; empty for what the browser asks for.

    Raises ``InvalidInput`` for one that the pages do not have.
    """
    known = dict(settings.LANGUAGES)
    if language and language not in known:
        raise InvalidInput(
            "The pages have these languages: %(known)s.",
            fields={"language": "not one of them"},
            known=", ".join(known),
        )
    user.language = language
    user.save(update_fields=["language"])
    return user


def token_create(*, user: User, name: str, days: int | None = None) -> tuple[AuthToken, str]:
    """Create an API token; the second value is the secret, which is never shown again."""
    if days is not None and not 1 <= days <= 3650:
        raise InvalidInput(
            "A token lives between 1 and 3650 days.", fields={"days": "out of range"}
        )
    with transaction.atomic():
        token, secret = AuthToken.objects.create(
            user=user, expiry=timedelta(days=days) if days else None
        )
        audit_record(
            actor=user,
            action="token.created",
            object_type="token",
            object_id=token.pk[:12],
            name=name,
        )
    return token, secret


def token_revoke(*, actor: User, token: AuthToken) -> None:
    if not actor.has_perm("accounts.revoke_token", token):
        raise NotAllowed("This token is not yours.")
    with transaction.atomic():
        audit_record(
            actor=actor, action="token.revoked", object_type="token", object_id=token.pk[:12]
        )
        token.delete()


def demo_users_load(progress: ProgressReporter) -> str:
    """Create the demo people, for demo mode only."""
    password = make_password(DEMO_PASSWORD)  # once: it is made to be slow
    with transaction.atomic():
        for index, demo in enumerate(DEMO_USERS, start=1):
            User.objects.get_or_create(
                username=demo.username,
                defaults={
                    "password": password,
                    "first_name": demo.first_name,
                    "last_name": demo.last_name,
                    "role": demo.role,
                    "is_staff": demo.role == Role.ADMINISTRATOR,
                    "is_superuser": demo.role == Role.ADMINISTRATOR,
                },
            )
            progress.update(index, len(DEMO_USERS))
    names = ", ".join(f"{demo.username} ({demo.role})" for demo in DEMO_USERS)
    return f"{names}; password of each: {DEMO_PASSWORD}"
