"""The rules of the house: who imports whom, what the pages send, what the repository holds."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command, load_command_class
from django.test import Client

from apps.accounts.models import User
from tests.conftest import PASSWORD, ClientFor

ROOT = settings.BASE_DIR
HEAVY = ("torch", "transformers", "sentence_transformers", "peft", "accelerate")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))


def python(code: str, var: Path, **environment: str) -> str:
    """The output of ``code`` in a fresh process of the settings that a clone has."""
    inherited = {"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**inherited, "TREFOIL_VAR": str(var), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_who_may_import_whom() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("backend", ["local", "fake"])
def test_the_server_never_imports_torch(tmp_path: Path, backend: str) -> None:
    code = f"""
import sys
import config.asgi
from apps.core import gateway
gateway.models()
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert python(code, tmp_path, ML_BACKEND=backend) == "[]"


def test_a_setting_that_is_off_is_named_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "models"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TREFOIL_VAR": str(tmp_path), "ML_BACKEND": "ray"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        """Environment variable "ML_BACKEND" invalid: ['Must be one of: local, fake.']\n"""
    )


def test_the_secret_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    code = "from config.env import read_environment; print(read_environment().secret_key)"
    var = tmp_path / "deep" / "var"
    first = python(code, var)
    assert len(first) >= 50
    assert stat.S_IMODE((var / "secret_key").stat().st_mode) == 0o600
    assert python(code, var) == first
    assert python(code, var, TREFOIL_SECRET_KEY="given") == "given"


def test_a_clone_is_closed_unless_it_is_opened(tmp_path: Path) -> None:
    code = """
from config.settings import base
print(base.DEBUG, base.DEMO, base.ALLOWED_HOSTS, base.SESSION_COOKIE_HTTPONLY)
"""
    expected = "False False ['127.0.0.1', 'localhost', '[::1]'] True"
    assert python(code, tmp_path) == expected


@pytest.mark.django_db
def test_every_page_sends_a_strict_policy(administrator: User, client_for: ClientFor) -> None:
    client = client_for(administrator)
    for path in ("/", "/accounts/", "/models/", "/nothing-here/"):
        response = client.get(path)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "script-src 'self'" in policy, path
        assert "style-src 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.django_db
def test_the_session_cookie_is_kept_from_scripts(client: Client, member: User) -> None:
    body = {"username": member.username, "password": PASSWORD}
    cookie = client.post("/accounts/sign-in/", body).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.django_db
def test_a_page_that_is_not_there_says_so_in_words(client: Client) -> None:
    response = client.get("/nothing-here/")
    assert response.status_code == 404
    assert "Trefoil" in response.content.decode()
    assert "Traceback" not in response.content.decode()


@pytest.mark.django_db
def test_static_files_need_no_collection_step(client: Client) -> None:
    for path in ("css/tokens.css", "js/controllers.js", "django_htmx/htmx-2.min.js"):
        assert client.get(f"/static/{path}").status_code == 200, path


def test_the_environment_is_read_in_one_place() -> None:
    allowed = {ROOT / "config" / "env.py", ROOT / "config" / "asgi.py", ROOT / "manage.py"}
    readers = [
        str(path.relative_to(ROOT))
        for folder in ("apps", "config", "ml")
        for path in (ROOT / folder).rglob("*.py")
        if path not in allowed and re.search(r"\bos\.(environ|getenv)\b", path.read_text("utf-8"))
    ]
    assert readers == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-scale.txt"])
def test_each_dependency_is_pinned(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    named = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    loose = [line for line in named if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.+]+", line)]
    assert named
    assert loose == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_nothing_that_the_policy_forbids(path: Path) -> None:
    # A template tag may hold what looks like markup; it is not sent.
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script or 'type="application/json"' in script, script
    assert "<style" not in text
    assert not re.search(r"<[^>]*\sstyle\s*=", text)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text)
    assert not re.search(r"\bhx-on\b", text)
    assert "javascript:" not in text
    assert not re.search(r"(src|href)\s*=\s*[\"'](https?:)?//", text)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_colours_live_in_the_tokens(path: Path) -> None:
    if path.name == "tokens.css":
        return
    text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|\b(?:rgb|hsl)a?\(", text)
    assert "url(http" not in text


def test_scripts_never_write_markup() -> None:
    written = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "static" / "js").rglob("*.js")
        if re.search(
            r"\.(innerHTML|outerHTML)\s*\+?=|insertAdjacentHTML|\beval\(", path.read_text()
        )
    ]
    assert written == []


@pytest.mark.django_db
def test_the_migrations_match_the_models(settings: Any) -> None:
    settings.MIGRATION_MODULES = {}  # which the tests' own tables are made without
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_links_of_the_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{path.name}: {target}"
        for path in documents
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_no_data_or_weights_of_others_are_committed() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    assert not [name for name in names if name.startswith("var/")]
    unsafe = (".pkl", ".pickle", ".pt", ".bin", ".onnx", ".npy", ".parquet", ".sqlite3")
    assert not [name for name in names if name.endswith(unsafe)]


@pytest.mark.parametrize(
    ("app", "name"),
    sorted(
        (path.parts[-4], path.stem)
        for path in ROOT.glob("apps/*/management/commands/*.py")
        if path.stem != "__init__"
    ),
)
def test_every_command_takes_its_arguments(app: str, name: str) -> None:
    command = load_command_class(f"apps.{app}", name)
    assert command.create_parser("manage.py", name).format_help()
