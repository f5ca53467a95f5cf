"""Monitoring: what is counted, what is kept, alarms that begin and end, page, API, metrics."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from channels.db import database_sync_to_async
from django.conf import settings as dj_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Problem
from apps.modelhub import profiles, watching
from apps.modelhub.files import rows_store
from apps.modelhub.models import (
    DataSet,
    DataSetVersion,
    DriftAlarm,
    DriftBlock,
    LabelledExample,
    Run,
    TrafficWindow,
)
from apps.modelhub.selectors.monitoring import corrected_weeks, monitoring_get
from apps.modelhub.services.labelling import queue_create
from apps.modelhub.services.monitoring import drift_record, monitoring_prune
from apps.modelhub.tasks import make_profiles, prune_monitoring
from ml.data.readers import LabelledText
from ml.errors import DataError
from ml.monitoring.features import kernel_features, unknown_words
from ml.monitoring.profile import Profile
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.ml.monitoring.test_drift import written

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine(settings: Any, tmp_path: Path) -> FakeEngine:
    engine = FakeEngine()
    gateway.use_engine(engine)
    settings.ML_PROFILES_DIR = tmp_path / "profiles"
    settings.VAR_DIR = tmp_path
    settings.ML_MODELS_DIR = tmp_path / "models"
    watching.watch.take()
    return engine


def rows(number: int, seed: int = 1) -> list[LabelledText]:
    texts = written("bank", number, np.random.default_rng(seed))
    return [LabelledText(text, "card_arrival", row) for row, text in enumerate(texts, start=1)]


@pytest.fixture
def profile(engine: FakeEngine, settings: Any) -> Profile:
    made = profiles.profile_make(name="bank", rows=profiles.labelled(rows(1200)))
    made.save(settings.ML_PROFILES_DIR / "intent.json")
    return made


def record(profile: Profile, texts: list[str], version: str = "fake-1") -> list[DriftAlarm]:
    vectors = np.stack(gateway.embed(texts))
    words, unknown = unknown_words(texts, profile.known)
    return drift_record(
        task="intent",
        version=version,
        profile=profile,
        feature_sum=kernel_features(vectors, profile.bandwidth).sum(axis=0),
        texts=len(texts),
        words=words,
        unknown=unknown,
    )


async def test_what_is_asked_is_counted_and_no_text_is_kept(profile: Profile) -> None:
    secret = "my card belongs to Mrs Featherstonehaugh"
    await gateway.apredict("intent", [secret, "nothing that is known"])
    await gateway.apredict("intent", ["my card"], observed=False)
    await gateway.apredict("ner", ["Ann in Rome"])
    await gateway.aencode(["my card"])
    await watching.store({})
    windows = {window.task: window async for window in TrafficWindow.objects.all()}
    assert set(windows) == {"intent", "ner"}
    assert (windows["intent"].texts, windows["intent"].version) == (2, "fake-1")
    assert windows["intent"].labels["card_arrival"] == 1
    assert sum(windows["intent"].confidences) == 2
    assert windows["intent"].out_of_scope == 1
    assert windows["intent"].engine["requests"] == 3
    assert windows["ner"].labels == {"ORG": 2}
    block = await DriftBlock.objects.aget()
    assert (block.task, block.texts, block.unknown) == ("intent", 2, 7)
    for kept in (*windows.values(), block):
        assert "Featherstonehaugh" not in str(vars(kept))
    await watching.store({})
    assert await TrafficWindow.objects.acount() == 2


async def test_the_engine_is_counted_from_one_time_to_the_next(engine: FakeEngine) -> None:
    await gateway.apredict("intent", ["a card"])
    before = await watching.store({})
    await gateway.apredict("intent", ["a card", "another card"])
    await watching.store(before)
    found = [window.engine["requests"] async for window in TrafficWindow.objects.order_by("id")]
    assert found == [1, 2]


async def test_errors_are_kept_where_nothing_is_answered(
    profile: Profile, engine: FakeEngine
) -> None:
    with engine.overloaded(), pytest.raises(Problem):
        await gateway.apredict("intent", ["my card"])
    engine.gate.fail_on("")
    with pytest.raises(Problem):
        await gateway.apredict("intent", ["my card", "a card"])
    before = await watching.store({})
    window = await TrafficWindow.objects.aget()
    assert (window.task, window.version, window.texts) == ("intent", "fake-1", 0)
    assert (window.engine["requests"], window.engine["refused"]) == (3, 1)
    found = await database_sync_to_async(monitoring_get)(
        task="intent", since=timezone.now() - timedelta(days=1), profile=profile
    )
    assert (found.points[-1].errors, found.points[-1].cached) == (3, 0.0)
    assert not await DriftBlock.objects.aexists()
    await watching.store(before)
    assert await TrafficWindow.objects.acount() == 1


async def test_what_versions_answer_at_the_same_time_is_counted_once(engine: FakeEngine) -> None:
    await gateway.apredict("intent", ["a card"])
    with gateway.answered_by("intent", "fake-2"):
        await gateway.apredict("intent", ["a card", "a lost card"])
    engine.models.promote("intent", "fake-3")
    await gateway.apredict("intent", ["a card"])
    engine.gate.fail_on("refund")
    with pytest.raises(Problem):
        await gateway.apredict("intent", ["a refund"])
    await watching.store({})
    windows = {window.version: window async for window in TrafficWindow.objects.all()}
    assert {name: one.texts for name, one in windows.items()} == {
        "fake-1": 1,
        "fake-2": 2,
        "fake-3": 1,
    }
    asked = {name: one.engine["requests"] for name, one in windows.items()}
    assert asked == {"fake-1": 0, "fake-2": 2, "fake-3": 3}
    failed = {name: one.engine["failures"] for name, one in windows.items()}
    assert failed == {"fake-1": 0, "fake-2": 0, "fake-3": 1}


async def test_without_a_profile_nothing_is_compared(engine: FakeEngine) -> None:
    await gateway.apredict("intent", ["my card"])
    await watching.store({})
    assert await TrafficWindow.objects.acount() == 1
    assert not await DriftBlock.objects.aexists()


async def test_texts_are_compared_as_the_encoder_of_the_profile_reads_them(
    profile: Profile, engine: FakeEngine
) -> None:
    engine.models.promote("encoder", "fake-2")
    await gateway.apredict("intent", ["my card"])
    engine.gate.fail_on("my card")  # as where the version of the profile is gone
    await watching.store({})
    assert not await DriftBlock.objects.aexists()
    engine.gate.fail_on()
    await gateway.apredict("intent", ["my card"])
    await watching.store({})
    assert await DriftBlock.objects.aexists()
    assert ("encoder@fake-1", ("my card",)) in engine.gate.batches


def test_an_alarm_begins_once_and_ends_when_texts_are_back(profile: Profile) -> None:
    rng = np.random.default_rng(4)
    for _ in range(10):
        assert record(profile, written("bank", 50, rng)) == []
    begun = [alarm for _ in range(10) for alarm in record(profile, written("garden", 50, rng))]
    assert sorted(alarm.kind for alarm in begun) == ["embedding", "vocabulary"]
    assert all(alarm.texts <= 500 and alarm.version == "fake-1" for alarm in begun)
    assert DriftAlarm.objects.filter(ended_at=None).count() == 2
    for _ in range(8):
        record(profile, written("bank", 50, rng))
    assert DriftAlarm.objects.filter(ended_at=None).count() == 0


def test_texts_unlike_the_training_texts_are_labelled_first(profile: Profile, lead: User) -> None:
    rng = np.random.default_rng(3)
    known, new = written("bank", 12, rng), written("garden", 6, rng)
    queue = queue_create(
        actor=lead, name="new", task="intent", texts=[*known, *new], strategy="drift"
    )
    ordered = [row.text for row in queue.rows.all()]
    assert set(ordered[:6]) == set(new)


def test_another_profile_ends_alarms_and_begins_a_window_of_its_own(profile: Profile) -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        record(profile, written("garden", 50, rng))
    assert DriftAlarm.objects.filter(ended_at=None).exists()
    other = profiles.profile_make(name="later", rows=profiles.labelled(rows(600, seed=2)))
    assert record(other, written("garden", 50, rng)) == []
    assert not DriftAlarm.objects.filter(ended_at=None).exists()


def run_of(version: str, number: int) -> Run:
    sha256 = rows_store(rows(number))
    dataset = DataSet.objects.create(name=version, task="intent")
    data = DataSetVersion.objects.create(dataset=dataset, number=1, sha256=sha256, rows=number)
    return Run.objects.create(
        dataset_version=data, task="intent", base="b", method="lora", version=version
    )


def test_a_version_of_a_run_is_compared_with_its_own_data_set(profile: Profile) -> None:
    shipped = profiles.profile_of(task="intent", version="fake-1")
    assert shipped is not None
    assert shipped.name == "bank"
    run = run_of("fake-1", 500)
    assert profiles.profile_of(task="intent", version="fake-1") is None
    make_profiles.call()
    made = profiles.profile_of(task="intent", version="fake-1")
    assert made is not None
    assert (made.name, made.texts) == (run.dataset_version.sha256[:16], 500)
    assert profiles.profiles_make() == 0


def test_a_data_set_that_is_too_small_is_passed_over(profile: Profile) -> None:
    run_of("fake-1", 30)
    assert profiles.profiles_make() == 0


def test_corrected_samples_have_an_interval_and_a_calibration(lead: User) -> None:
    for number in range(10):
        LabelledExample.objects.create(
            app="support",
            task="intent",
            subject=f"{number}",
            text="t",
            old_label="a",
            new_label="a" if number < 6 else "b",
            confidence=0.9,
            actor=lead,
        )
    (week,) = corrected_weeks(task="intent")
    assert (week.n, week.right, week.share) == (10, 6, 0.6)
    assert (week.low, week.high) == pytest.approx((0.313, 0.832), abs=0.001)
    assert week.calibration_error == pytest.approx(0.3)


def test_old_counts_are_pruned_and_alarms_stay(profile: Profile) -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        record(profile, written("garden", 50, rng))
    DriftBlock.objects.update(at=timezone.now() - timedelta(days=100))
    TrafficWindow.objects.create(task="a", version="v", at=timezone.now(), texts=1)
    prune_monitoring.call()
    assert (DriftBlock.objects.count(), TrafficWindow.objects.count()) == (0, 1)
    assert DriftAlarm.objects.exists()
    assert monitoring_prune(before=timezone.now()) == 1


def test_the_page_and_the_endpoint_show_it(
    profile: Profile, lead: User, operator: User, client_for: ClientFor
) -> None:
    client = client_for(lead)
    assert "Nothing was asked yet" in client.get("/models/monitoring/").content.decode()
    for _ in range(5):
        record(profile, written("garden", 50, np.random.default_rng(4)))
    TrafficWindow.objects.create(
        task="intent",
        version="fake-1",
        at=timezone.now(),
        texts=40,
        labels={"card_arrival": 30, "exchange_rate": 10},
        confidences=[0] * 18 + [10, 30],
        out_of_scope=4,
        engine={"requests": 50, "cache_hits": 10, "failures": 1, "p95_ms": 12.5},
    )
    page = client.get("/models/monitoring/?task=intent&days=7").content.decode()
    assert "exchange_<wbr>rate" in page
    spoken = {"accept-language": "zh-hans"}
    chinese = client.get("/models/monitoring/?task=intent", headers=spoken).content.decode()
    for words in ("平均置信度", "来自缓存", "95% 至 100%"):
        assert words in chinese, words
    assert not re.search(r"<title>[^<]*[A-Z][a-z]{2} ", chinese)
    assert "25.0%" in page
    assert "open" in page
    found = client.get("/api/v1/models/monitoring/?task=intent").json()
    assert (found["texts"], found["versions"]) == (40, {"fake-1": 40})
    point = found["points"][-1]
    assert (point["errors"], point["cached"], point["out_of_scope"]) == (1, 0.2, 0.1)
    assert point["confidence"] == pytest.approx(0.9625)
    assert (found["drift"]["texts"] > 0, found["unprofiled"]) == (True, None)
    assert "composed abuse" in client.get("/models/monitoring/?task=toxicity").content.decode()
    none = client.get("/api/v1/models/monitoring/?task=toxicity").json()
    assert (none["drift"], none["unprofiled"]["watched"]) == (None, "intent")
    assert client.get("/api/v1/models/monitoring/?task=intent&days=0").status_code == 400
    for path in ("/models/monitoring/", "/api/v1/models/monitoring/?task=intent"):
        assert client_for(operator).get(path).status_code == 403


def test_prometheus_reads_answers_and_alarms(
    profile: Profile, administrator: User, client_for: ClientFor
) -> None:
    gateway.predict("intent", ["my card"])
    for _ in range(5):
        record(profile, written("garden", 50, np.random.default_rng(4)))
    text = client_for(administrator).get("/metrics").content.decode()
    answers = 'trefoil_answers_total{label="card_arrival",task="intent",version="fake-1"}'
    assert answers in text
    assert {name for name in _of_dashboard() if name not in text} == set()
    assert 'trefoil_drift_alarm{kind="embedding",task="intent"} 1.0' in text
    assert 'trefoil_confidence_bucket{le="+Inf",task="intent",version="fake-1"}' in text


def _of_dashboard() -> set[str]:
    """The names of metrics that the Grafana dashboard asks for."""
    text = (Path(dj_settings.BASE_DIR) / "docs" / "grafana" / "models.json").read_text("utf-8")
    return {name.removesuffix("_count") for name in re.findall(r"trefoil_\w+", text)}


def test_the_command_makes_a_profile_and_names_what_is_wrong(
    engine: FakeEngine, tmp_path: Path, settings: Any
) -> None:
    file = tmp_path / "train.csv"
    lines = [f"{row.text},{row.label}" for row in rows(500)]
    file.write_text("\n".join(["text,label", *lines]), "utf-8")
    call_command("profile", task="intent", train=file)
    assert Profile.load(settings.ML_PROFILES_DIR / "intent.json").texts == 500
    file.write_text("\n".join(["text,label", *lines[:20]]), "utf-8")
    with pytest.raises(CommandError, match="20 texts"):
        call_command("profile", task="intent", train=file)
    broken = settings.ML_PROFILES_DIR / "intent.json"
    broken.write_text("{}", "utf-8")
    assert profiles.profile_of(task="intent", version="fake-1") is None
    with pytest.raises(DataError):
        Profile.load(broken)
