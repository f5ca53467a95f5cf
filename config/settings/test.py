"""Settings of the test suite: the same application with a deterministic language layer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from config.settings.base import *  # noqa: F403
from config.settings.base import ENVIRONMENT

SECRET_KEY = "only-for-tests"  # noqa: S105
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DEMO = True
ML_BACKEND = "fake"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend", "QUEUES": []}}
WHITENOISE_AUTOREFRESH = True
REQUIRE_ALL = ENVIRONMENT.require_all

_folder = tempfile.mkdtemp(prefix="trefoil-test-")
SUPPORT_INDEX_DIR = Path(_folder) / "support"
if "sqlite3" in DATABASES["default"]["ENGINE"]:  # noqa: F405
    # A file, not memory: sockets and workers use connections of their own.
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405
if ENVIRONMENT.redis_url and ENVIRONMENT.test_process:
    # Tests run in several processes: each has its own cache, which it clears, and its own channels.
    _own = f"/{1 + int(ENVIRONMENT.test_process.removeprefix('gw'))}"
    _url = urlsplit(ENVIRONMENT.redis_url)._replace(path=_own).geturl()
    CACHES["default"]["LOCATION"] = _url  # noqa: F405
    CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = ENVIRONMENT.test_process  # noqa: F405
