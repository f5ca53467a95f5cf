"""What the hub's pages say in Chinese of versions, runs and data sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext

from apps.accounts.models import User
from apps.modelhub.models import DataSetVersion, Run
from apps.modelhub.templatetags.modelhub import duration, measure, part, setting
from tests.conftest import ClientFor

CHINESE = {"accept-language": "zh-hans"}
SHIPPED = ("intent", "targeted_sentiment", "ner", "toxicity", "support_encoder")


@pytest.fixture(autouse=True)
def language() -> Iterator[None]:
    """A request leaves its language to what comes after it in the thread."""
    with translation.override("en"):
        yield


@pytest.mark.parametrize("task", SHIPPED)
def test_what_was_measured_of_a_shipped_version_has_a_name(task: str) -> None:
    artifact = json.loads(Path(f"ml/pretrained/{task}/artifact.json").read_text(encoding="utf-8"))
    labels = {f"f1_{label.removeprefix('B-')}" for label in artifact["labels"]}
    names = [name for name in artifact["metrics"] if name not in labels]
    with translation.override("zh-hans"):
        left = [name for name in names if measure(name).isascii() and name != "f1"]
    assert names
    assert not left


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.2, "1 s", "1 秒"),
        (215, "3 min 35 s", "3 分 35 秒"),
        (180, "3 min", "3 分钟"),
        (2_000, "33 min", "33 分钟"),
        (7_500, "2 h 5 min", "2 小时 5 分"),
    ],
)
def test_a_time_is_said_in_the_readers_language(seconds: float, english: str, chinese: str) -> None:
    assert duration(seconds) == english
    with translation.override("zh-hans"):
        assert duration(seconds) == chinese


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "english", "chinese"),
    [
        (
            {"name": "x", "task": "a/b"},
            "cannot be made: a task has letters, digits, - and _, 60 at most.",
            "任务由字母、数字、- 和 _ 组成，最多 60 个字符。",
        ),
        (
            {"name": "x", "task": "intent", "kind": "ner"},
            "cannot be made: the model of intent is of the kind “One label”.",
            "intent 的模型的类型为“单标签”。",
        ),
        (
            {"name": "", "task": "new", "kind": "x"},
            "missing or longer than 80 characters; the kind is one of classification, multi_label",
            "名称缺失或超过 80 个字符; 类型须为以下之一：classification",
        ),
    ],
)
def test_why_a_data_set_cannot_be_made_is_told(
    models: Path,
    lead: User,
    client_for: ClientFor,
    given: dict[str, str],
    english: str,
    chinese: str,
) -> None:
    client = client_for(lead)
    for told, language in ((english, {"accept-language": "en"}), (chinese, CHINESE)):
        page = client.post("/models/data/", given, headers=language)
        assert page.status_code == 422
        assert told in page.context["problem"].message
        assert told in unescape(page.content.decode())


@pytest.mark.django_db
def test_the_head_of_a_run_is_in_chinese(
    data: DataSetVersion, lead: User, client_for: ClientFor
) -> None:
    run = Run.objects.create(
        dataset_version=data,
        task="intent",
        method="lora",
        options={"recipe": "plain", "epochs": 3.0},
        seconds=215,
    )
    page = client_for(lead).get(f"/models/runs/{run.pk}/", headers=CHINESE).content.decode()
    assert "轮数 3 · 配方 默认 · 3 分 35 秒" in page


def test_parts_of_rows_and_settings_are_in_chinese() -> None:
    names = ("length", "label", "negation", "figures", "companies", "sentences", "entities")
    settings = ("base", "method", "measure_epochs")
    with translation.override("zh-hans"):
        assert not [name for name in (*names, *settings) if measure(name).isascii()]
        assert part("6-10 words", "length") == "6–10 个词"
        assert part("without", "label") == "without", "a label is as the data has it"
        assert setting(True) == "是"
        assert gettext("Rows") == "行数"
    assert setting(False) == "no"
