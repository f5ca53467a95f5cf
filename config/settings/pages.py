"""Languages, static files, and what browsers may do with the pages."""

from __future__ import annotations

from csp.constants import NONE, SELF

from config.settings.environment import BASE_DIR, ENVIRONMENT

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]

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
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = (
    ENVIRONMENT.https
)
SECURE_HSTS_SECONDS = 31_536_000 if ENVIRONMENT.https else 0
SILENCED_SYSTEM_CHECKS: list[str] = []
