"""The channel layer of a single process."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core import channel_layer
from apps.core.channel_layer import ProcessChannelLayer


@pytest.fixture
def layer() -> Any:
    return ProcessChannelLayer(expiry=-1)  # whatever is sent has expired at once


async def test_what_nobody_fetched_leaves_with_its_channel(
    layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_layer, "_CLEANING_SECONDS", 0)
    await layer.group_add("group", "gone")
    await layer.send("gone", {"type": "old"})
    await layer.group_send("others", {"type": "new"})
    assert "gone" not in layer.channels
    assert not layer.groups["group"]


async def test_channels_are_not_gone_through_at_each_message(layer: Any) -> None:
    await layer.group_send("others", {"type": "first"})
    await layer.group_add("group", "slow")
    await layer.send("slow", {"type": "old"})
    await layer.group_send("others", {"type": "second"})
    assert "slow" in layer.channels
    assert "slow" in layer.groups["group"]


async def test_members_of_a_group_receive_what_is_sent() -> None:
    layer: Any = ProcessChannelLayer()
    for channel in ("a", "b"):
        await layer.group_add("group", channel)
    await layer.group_send("group", {"type": "news"})
    assert await layer.receive("a") == await layer.receive("b") == {"type": "news"}
