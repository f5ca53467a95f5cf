from __future__ import annotations

import pytest

from ml.linking.spotting import NameSpotter


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Facebook shares fall", True),
        ("FACEBOOK, INC. shares fall", True),
        ("A face and a book", False),
        ("Nestle\u0301 gains", True),
        ("Nestlé's buyers", True),
        ("The Halvern-Volt union", True),
        ("Macys and Macy's rivals", True),
        ("Heavy trading in $t", True),
        ("AT&T and T-Mobile don't", False),
        ("Telephone (NYSE: T) gains", True),
        ("T gains", True),
        ("a t-shirt", False),
    ],
)
def test_texts_that_could_name_one_are_let_through(text: str, found: bool) -> None:
    spotter = NameSpotter(["Facebook, Inc.", "Nestlé S.A.", "Halvern Volt Group", "Macy's"], ["T"])
    assert spotter.is_in(text) is found


def test_without_names_nothing_is_found() -> None:
    assert not NameSpotter([], []).is_in("$T and Facebook")
    assert not NameSpotter(["/DE/"]).is_in("DE")
