from __future__ import annotations

from pathlib import Path

import pytest

from apps.support.conversation_tests.reading import read_conversation_tests
from ml.errors import DataError

GOOD = """
conversations:
  - name: a late card
    path: happy
    turns:
      - {customer: where is it, bot: [answer, clarify], cites: card-arrival}
      - {chooses: card-arrival, bot: answer, entities: {amount: "20.00 GBP"}}
"""


def written(folder: Path, text: str, name: str = "cards.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_conversation_is_read_with_single_values_as_lists(tmp_path: Path) -> None:
    (test,) = read_conversation_tests(written(tmp_path, GOOD))
    first, second = test.turns
    assert (test.name, test.path) == ("a late card", "happy")
    assert (first.customer, first.bot, first.cites) == (
        "where is it",
        ("answer", "clarify"),
        ("card-arrival",),
    )
    assert (second.chooses, second.cites) == ("card-arrival", None)
    assert second.entities == {"amount": ("20.00 GBP",)}


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("a late card", "second"), "b.yaml")
    written(tmp_path, GOOD.replace("a late card", "first"), "a.yaml")
    assert [test.name for test in read_conversation_tests(tmp_path)] == ["first", "second"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("path: happy", "path: sunny"), "conversation 'a late card', path: 'sunny'"),
        (GOOD.replace("[answer, clarify]", "dance"), "conversation 'a late card', turn 1, bot"),
        (GOOD.replace("customer: where is it, ", ""), "turn 1: must have either 'customer'"),
        (GOOD.replace("cites:", "quotes:"), "conversation 'a late card', turn 1: "),
        (GOOD.replace("- name: a late card\n    path", "- path"), "conversation 1: 'name' is"),
        ("conversations: []", "conversations: "),
        ("- just a list", "is not of type 'object'"),
        ("conversations: [", "row "),
        (GOOD + GOOD.split("conversations:\n")[1], "'a late card' occurs twice"),
    ],
)
def test_what_is_wrong_is_named_by_file_conversation_and_turn(
    tmp_path: Path, text: str, said: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(DataError) as error:
        read_conversation_tests(file)
    assert str(error.value).startswith(str(file))
    assert said in str(error.value)


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "a.yaml")
    written(tmp_path, GOOD, "b.yaml")
    with pytest.raises(
        DataError, match=r"b\.yaml: conversation 'a late card' is also in .*a\.yaml"
    ):
        read_conversation_tests(tmp_path)


def test_an_empty_folder_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no YAML files"):
        read_conversation_tests(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"bytes\.yaml"):
        read_conversation_tests(tmp_path)
