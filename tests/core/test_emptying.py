"""After a test that commits, the database is as before it."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction

from apps.accounts.models import Role, User
from apps.accounts.services import token_create
from tests.conftest import AtOnce
from tests.emptying import empty_tables


@pytest.mark.django_db(transaction=True)
def test_rows_go_with_those_that_point_to_them_and_permissions_stay(member: User) -> None:
    token_create(user=member, name="client")
    permissions = list(Permission.objects.values_list("pk", "codename"))
    assert permissions
    member.user_permissions.add(permissions[0][0])

    empty_tables("default")

    assert not User.objects.exists()
    assert not User.user_permissions.through.objects.exists()
    assert list(Permission.objects.values_list("pk", "codename")) == permissions
    assert User.objects.create_user(username="the-member", role=Role.MEMBER).pk


def test_what_a_thread_still_writes_goes_too(at_once: AtOnce) -> None:
    written = threading.Event()

    def write() -> None:
        with transaction.atomic():
            User.objects.create_user(username="late", role=Role.MEMBER)
            written.set()
            time.sleep(0.2)

    def empty() -> None:
        assert written.wait(timeout=30)
        empty_tables("default")

    assert at_once(write, empty) == [None, None]

    assert not User.objects.exists()
