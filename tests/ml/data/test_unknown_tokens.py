from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from ml.data.encoding import load_tokenizer
from ml.data.report import data_report
from ml.data.text_tools import TextTools, encoder_tools
from ml.data.unknown_tokens import WORTH_TELLING, unknown_share
from ml.encoders import resolve_encoder
from tests.ml.training.tiny_encoder import write_rows


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Where is my parcel?", True),
        ("Ich m\u00f6chte eine R\u00fcckerstattung", True),
        ("\u0623\u064a\u0646 \u0637\u0631\u062f\u064a", True),
        ("\u5feb\u9012\u5458\u628a\u6c34\u58f6\u5f04\u4e22\u4e86", False),
    ],
)
def test_the_packaged_encoder_lacks_most_chinese_characters(text: str, known: bool) -> None:
    tokenizer = load_tokenizer(resolve_encoder().path / "tokenizer.json")
    assert (unknown_share([text], tokenizer) < WORTH_TELLING) == known


def test_the_share_is_that_of_all_tokens() -> None:
    model = models.WordLevel({"<unk>": 0, "card": 1}, unk_token="<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert unknown_share(["card card", "card lost"], tokenizer) == 0.25
    assert unknown_share([], tokenizer) == unknown_share([""], tokenizer) == 0


def test_a_tokenizer_of_bytes_knows_everything() -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 1}, []))
    assert unknown_share(["ab", "b"], tokenizer) == 0


@pytest.mark.parametrize(
    ("text", "warned"), [("where is parcel", False), ("\u5feb\u9012\u5458\u628a\u6c34\u58f6", True)]
)
def test_a_data_report_warns_of_training_texts_in_words_that_the_encoder_lacks(
    tmp_path: Path, text: str, warned: bool
) -> None:
    rows = [{"text": f"{text} {n}", "label": label} for label in ("a", "b") for n in range(10)]
    other = [{"text": "\u628a\u6c34\u58f6", "label": "a"}]
    train = write_rows(tmp_path / "t.jsonl", rows)
    valid = write_rows(tmp_path / "v.jsonl", other)
    unused: Any = None
    all_tools = encoder_tools(unused, resolve_encoder().path / "tokenizer.json")
    tools = TextTools(unknown_share=all_tools.unknown_share)
    told = [one for one in data_report(train, valid, tools=tools)["warnings"] if "encoder" in one]
    assert len(told) == warned
