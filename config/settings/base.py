"""Settings for every deployment; what differs between deployments comes from ``config.env``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url
import structlog
from csp.constants import NONE, SELF

from config.env import BASE_DIR, read_environment
from ml.entities.spans import DetectedKind

ENVIRONMENT = read_environment()

BASE_DIR = BASE_DIR
DEBUG = ENVIRONMENT.debug
DEMO = ENVIRONMENT.demo
VAR_DIR: Path = ENVIRONMENT.var_dir
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.trusted_origins

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "django_structlog",
    "django_tasks",
    "django_tasks_db",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
    "rules.apps.AutodiscoverRulesConfig",
    "apps.core",
    "apps.accounts",
    "apps.modelhub",
    "apps.support",
    "apps.market",
    "apps.recommend",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.ProblemMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context.suite",
            ]
        },
    }
]

# Data ---------------------------------------------------------------------------------------

SQLITE_OPTIONS: dict[str, Any] = {
    # A write transaction takes its lock at its start, so it can wait for it: a deferred one that
    # is upgraded in the middle fails at once with "database is locked".
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728; "
        "PRAGMA journal_size_limit=27103364; PRAGMA cache_size=-16000; "
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

# Language layer -----------------------------------------------------------------------------

ML_BACKEND = ENVIRONMENT.ml_backend
ML_ENCODER = ENVIRONMENT.encoder
ML_MODELS_DIR: Path = VAR_DIR / "models"
ML_ARTIFACTS_DIR: Path = VAR_DIR / "artifacts"
ML_PRETRAINED_DIR: Path = BASE_DIR / "ml" / "pretrained"
ML_QUEUE_CAPACITY = 4096
ML_TIMEOUT_SECONDS = 10.0

# Runs of the model hub: recipes, further base encoders (names or folders), files to extend with
# corrections by task, what a run's process may take, and other bounds of ml.runs.gate.Limits.
MODEL_RECIPES_DIR: Path = BASE_DIR / "ml" / "training" / "recipes"
MODEL_BASES: list[str] = []
MODEL_BASE_FILES: dict[str, str] = {}
MODEL_RUN_THREADS = 1
MODEL_RUN_NICENESS = 10
MODEL_GATE: dict[str, Any] = {}
# Monitoring of live traffic: statistics of what shipped models were trained on, how often counts
# are stored, of how many texts a task the drift is measured each time, how long all is kept.
ML_PROFILES_DIR: Path = BASE_DIR / "ml" / "monitoring" / "profiles"
# What shipped classifiers answered on held-out rows: what can be promised of them follows from it.
ML_HELD_OUT_DIR: Path = BASE_DIR / "ml" / "monitoring" / "held_out"
MONITORING_SECONDS = 30.0
MONITORING_TEXTS = 100
MONITORING_KEPT_DAYS = 90
# Whether the weekly report is mailed to team leads who have an address.
MODEL_REPORT_MAIL = ENVIRONMENT.model_report_mail
# The same of the report on Support.
SUPPORT_REPORT_MAIL = ENVIRONMENT.support_report_mail
# Waits before each bot answer: makes the time between message and answer long enough for tests
# that kill the server in it.
ANSWER_DELAY_SECONDS = ENVIRONMENT.answer_delay
DEMO_DIR: Path = BASE_DIR / "demo"
# Where the rules of the support bot divide; see apps.support.bot.Thresholds.
SUPPORT_THRESHOLDS: dict[str, float] = {}
SUPPORT_INDEX_DIR: Path = VAR_DIR / "indexes" / "support"
# What is masked before a message is stored: kinds of ml.entities, replaced by their name.
SUPPORT_MASKED_KINDS: list[DetectedKind] = ENVIRONMENT.masked_kinds
# Conversations that the bot must hold (manage.py test_bot), and what it did in the last runs.
SUPPORT_CONVERSATIONS_DIR: Path = DEMO_DIR / "conversations"
SUPPORT_TEST_RUNS_DIR: Path = VAR_DIR / "conversation_tests"

# An operator is on duty while a socket of theirs has given a sign within so many seconds; what they
# hold goes back to the queue when the signs have stopped for so long.
SUPPORT_PRESENCE_SECONDS = 90
SUPPORT_ABSENT_AFTER = timedelta(minutes=10)
# A conversation with a person ends by itself after so long a silence of the customer's, or of the
# operator's while the customer waits for an answer.
SUPPORT_CUSTOMER_SILENCE = timedelta(hours=2)
SUPPORT_OPERATOR_SILENCE = timedelta(minutes=30)

# Live events --------------------------------------------------------------------------------

EVENTS_CATCH_UP_SECONDS = 0.4
EVENTS_KEPT_DAYS = 14
SOCKET_MAX_FRAME_BYTES = 64 * 1024
SOCKET_FRAMES_PER_SECOND = 20
SOCKET_FRAMES_BURST = 100

# The door of the models for other programs, /ws/ml/: what one person may have under way on all
# sockets of a process, and how many parts of at most ML_DOOR_PART texts of all people may stand in
# the engine's queue, which the apps share.
ML_DOOR_FRAMES_PER_SECOND = 1000
ML_DOOR_FRAMES_BURST = 2000
ML_DOOR_MAX_FRAME_BYTES = 1024 * 1024
ML_DOOR_SOCKETS = 8
ML_DOOR_REQUESTS = 256
ML_DOOR_TEXTS = 8192
ML_DOOR_TEXTS_PER_REQUEST = 2048
ML_DOOR_PART = 32
ML_DOOR_PARTS_QUEUED = 64
ML_DOOR_PARTS_QUEUED_EACH = 48
ML_DOOR_CHECK_SECONDS = 15.0

# People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "core:home"
LOGOUT_REDIRECT_URL = "core:home"

# API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.CursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "1200/min"},
    "EXCEPTION_HANDLER": "apps.core.api.problem_response",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
}
REST_KNOX = {"TOKEN_TTL": None, "AUTO_REFRESH": False}
SPECTACULAR_SETTINGS = {
    "TITLE": "Trefoil",
    "DESCRIPTION": "Support, Market and Discover on one language layer.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_MAX_BYTES = 64 * 1024 * 1024
# Hosts ("host" or "host:port") that are fetched though their address is not public.
FETCH_ALLOWED_HOSTS: list[str] = ENVIRONMENT.fetch_allowed_hosts
# What links in e-mails and webhooks begin with.
SITE_URL = ENVIRONMENT.site_url
# Addresses ("desk@example.com") and domains ("@example.com") that alerts may be mailed to, beside
# each analyst's own.
ALERT_ADDRESSES: list[str] = ENVIRONMENT.alert_addresses

# Pages --------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH: list[str] = []

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Static files are served straight from the apps' folders: a clone runs with no collection step.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 60

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *(f"https://{host}" for host in ENVIRONMENT.image_hosts)],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
IMAGE_HOSTS: list[str] = ENVIRONMENT.image_hosts
EMBED_ORIGINS: list[str] = ENVIRONMENT.embed_origins
WIDGET_FRAME_ANCESTORS = ENVIRONMENT.widget_frame_ancestors
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENVIRONMENT.https
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.https else 0
SILENCED_SYSTEM_CHECKS: list[str] = []

globals().update(dj_email_url.parse(ENVIRONMENT.email_url))
DEFAULT_FROM_EMAIL = "trefoil@localhost"
# A mail server that does not answer must not hold up what waits behind it.
EMAIL_TIMEOUT = globals().get("EMAIL_TIMEOUT") or 10

# Logs ---------------------------------------------------------------------------------------

_SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.StackInfoRenderer(),
]
_RENDERER: Any = (
    structlog.processors.JSONRenderer() if ENVIRONMENT.log_json else structlog.dev.ConsoleRenderer()
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": _RENDERER,
            "foreign_pre_chain": _SHARED_PROCESSORS,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["console"], "level": ENVIRONMENT.log_level},
    "loggers": {
        "django_structlog": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "django_tasks_db": {"level": "WARNING"},
        "django_tasks": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "faiss": {"level": "WARNING"},
        "bm25s": {"level": "WARNING"},
        "ml.serving": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED_PROCESSORS,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
