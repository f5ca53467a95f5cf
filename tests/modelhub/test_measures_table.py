from __future__ import annotations

from apps.modelhub.measures_table import measures_table


def test_counts_have_no_decimals() -> None:
    metrics = {"n": 9.0, "accuracy": 1.0, "intent_trainable_parameters": 1_155_000.0}
    _, rows = measures_table(metrics, {})
    assert [value for _, value in rows] == ["9", "1.0000", "1,155,000"]
    _, rows = measures_table(metrics, {"n": 9.0, "accuracy": 0.5})
    assert rows[:2] == [["n", "9", "9"], ["accuracy", "1.0000", "0.5000"]]
