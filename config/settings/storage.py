"""Where data, cached values, broadcasts and background tasks are kept."""

from __future__ import annotations

from typing import Any

import dj_database_url

from config.settings.environment import ENVIRONMENT, VAR_DIR

SQLITE_OPTIONS: dict[str, Any] = {
    # A write transaction takes its lock at its start, so it can wait for it: a deferred one that
    # is upgraded in the middle fails at once with "database is locked".
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728; "
        "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16000; "
        # Servers see to the log themselves (apps/core/checkpoints.py): this is for when none does.
        "PRAGMA wal_autocheckpoint=8000; "
        # What is deleted is overwritten in the file: somebody may have asked to be forgotten.
        "PRAGMA secure_delete=ON;"
    ),
}


def _databases(url: str, pool: int) -> dict[str, Any]:
    if url:
        # Each request has a thread of its own, which a persistent connection would end with: a
        # pool outlives it. Connections are checked before use, so a restarted database is no error.
        given = dj_database_url.parse(url, conn_max_age=0, conn_health_checks=True)
        if given["ENGINE"] == "django.db.backends.postgresql" and pool:
            given["OPTIONS"] = given.get("OPTIONS", {}) | {
                "pool": {"min_size": 1, "max_size": pool, "timeout": 20}
            }
        return {"default": given}
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "trefoil.sqlite3",
            # Kept open: the last connection to close copies the whole WAL back and deletes it,
            # which would happen after each short piece of work of a socket.
            "CONN_MAX_AGE": None,
            "OPTIONS": SQLITE_OPTIONS,
        }
    }


DATABASES = _databases(ENVIRONMENT.database_url, ENVIRONMENT.database_pool)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _redis(url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cache and channel layer on Redis; neither is needed to store or to read anything."""
    from redis.asyncio.retry import Retry
    from redis.backoff import ConstantBackoff

    cache = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": url,
        # Rate limits alone are kept there: without them the suite goes on, with a line in the log.
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
        },
    }
    # Told once to whoever listens: what is missed is in the event log. It joins its groups again
    # after a restart of Redis, which the layer that keeps queues in Redis does not.
    host = {
        "address": url,
        "socket_connect_timeout": 1,
        "retry": Retry(ConstantBackoff(0.1), 1),
    }
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [host]},
    }
    return cache, layer


if ENVIRONMENT.redis_url:
    _cache, _layer = _redis(ENVIRONMENT.redis_url)
else:
    _cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    _layer = {
        "BACKEND": "apps.core.channel_layer.ProcessChannelLayer",
        "CONFIG": {"capacity": 1000},
    }
CACHES: dict[str, Any] = {"default": _cache}
CHANNEL_LAYERS: dict[str, Any] = {"default": _layer}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
# A cache that is away must not keep people from signing in.
RATELIMIT_FAIL_OPEN = True

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
