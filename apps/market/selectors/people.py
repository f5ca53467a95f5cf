"""The people whom alerts are passed on to."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import Role, User


def colleague_list(*, of: Any) -> QuerySet[User]:
    """The other people who use Market."""
    roles = (Role.ANALYST, Role.ADMINISTRATOR)
    people = User.objects.filter(is_active=True, role__in=roles).exclude(id=of.pk)
    return people.order_by("first_name", "username")
