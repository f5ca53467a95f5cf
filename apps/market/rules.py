"""Who may do what in Market: analysts read the news; rules and
channels are their owner's alone, alerts also those of whom they are assigned to.
"""

from __future__ import annotations

from typing import Any

import rules

from apps.accounts.rules import is_analyst
from apps.market.models import Alert, Channel, Delivery, Digest, Replay, Rule, Silence


@rules.predicate
def owns(
    user: Any, owned: Rule | Alert | Channel | Delivery | Digest | Silence | Replay | None
) -> bool:
    return owned is not None and owned.owner_id == user.pk


@rules.predicate
def is_assigned(user: Any, alert: Alert | None) -> bool:
    return alert is not None and alert.assignee_id == user.pk


rules.add_perm("market.view_news", is_analyst)
rules.add_perm("market.add_articles", is_analyst)
rules.add_perm("market.manage_sources", is_analyst)
rules.add_perm("market.link_names", is_analyst)
rules.add_perm("market.tune_detection", is_analyst)
rules.add_perm("market.review_scores", is_analyst)
rules.add_perm("market.view_rule", is_analyst & owns)
rules.add_perm("market.change_rule", is_analyst & owns)
rules.add_perm("market.view_alert", is_analyst & (owns | is_assigned))
rules.add_perm("market.acknowledge_alert", is_analyst & (owns | is_assigned))
rules.add_perm("market.change_channel", is_analyst & owns)
rules.add_perm("market.change_delivery", is_analyst & owns)
rules.add_perm("market.change_silence", is_analyst & owns)
rules.add_perm("market.change_digest", is_analyst & owns)
rules.add_perm("market.change_replay", is_analyst & owns)
