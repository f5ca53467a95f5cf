"""The ASGI application as a server process of its own runs it."""

from __future__ import annotations

from apps.core.process import settle
from config.asgi import application

__all__ = ["application"]

settle()
