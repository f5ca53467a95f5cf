"""The language layer, the runs and the monitoring of its models, and their door for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.settings.environment import BASE_DIR, ENVIRONMENT, VAR_DIR

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
MODEL_RUN_MEMORY_MB: int | None = 6_000
MODEL_GATE: dict[str, Any] = {}
# Monitoring of live traffic: statistics of what shipped models were trained on, how often counts
# are stored, of how many texts a task the drift is measured each time, how long all is kept.
ML_PROFILES_DIR: Path = BASE_DIR / "ml" / "monitoring" / "profiles"
# What shipped classifiers answered on held-out rows: what can be promised of them follows from it.
ML_HELD_OUT_DIR: Path = BASE_DIR / "ml" / "monitoring" / "held_out"
# Before which shipped classifiers a rule on sentence vectors tells what they need not read.
ML_PRESCREENS_DIR: Path = BASE_DIR / "ml" / "prescreens"
MONITORING_SECONDS = 30.0
MONITORING_TEXTS = 100
MONITORING_KEPT_DAYS = 90
# Whether the weekly report is mailed to team leads who have an address.
MODEL_REPORT_MAIL = ENVIRONMENT.model_report_mail

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
