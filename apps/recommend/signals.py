"""Joins what a visitor did with the account that the visitor signs in to."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from apps.recommend.services.joining import reader_join
from apps.recommend.visitors import cookie_key


def join_visitor(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    key = cookie_key(request.COOKIES) if request is not None else None
    if key is not None:
        reader_join(key=key, user=user)


def connect() -> None:
    user_logged_in.connect(join_visitor, dispatch_uid="recommend.join_visitor")
