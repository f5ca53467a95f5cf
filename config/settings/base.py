"""Settings for every deployment; what differs between deployments comes from ``config.env``.

This module names the parts of the application; the modules beside it hold what each matter needs.
"""

from __future__ import annotations

import dj_email_url

from config.settings.api import *  # noqa: F403
from config.settings.environment import BASE_DIR, ENVIRONMENT, VAR_DIR  # noqa: F401
from config.settings.logs import *  # noqa: F403
from config.settings.models import *  # noqa: F403
from config.settings.pages import *  # noqa: F403
from config.settings.products import *  # noqa: F403
from config.settings.storage import *  # noqa: F403

DEBUG = ENVIRONMENT.debug
DEMO = ENVIRONMENT.demo
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
    "apps.core.file_answers.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.LanguageMiddleware",
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
            "builtins": ["apps.core.templatetags.dates", "apps.core.templatetags.mappings"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context.suite",
            ],
        },
    }
]

# People ---------------------------------------------------------------------------------------

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

# Mail -----------------------------------------------------------------------------------------

globals().update(dj_email_url.parse(ENVIRONMENT.email_url))
DEFAULT_FROM_EMAIL = "trefoil@localhost"
# A mail server that does not answer must not hold up what waits behind it.
EMAIL_TIMEOUT = globals().get("EMAIL_TIMEOUT") or 10
