"""Who may do what in Discover: administrators keep the catalogue, they and team leads say what
fits, readers see only themselves."""

from __future__ import annotations

from typing import Any

import rules

from apps.accounts.rules import is_administrator, is_lead
from apps.recommend.models import Reader


@rules.predicate
def is_own_reader(user: Any, reader: Reader | None) -> bool:
    return reader is not None and reader.user_id is not None and reader.user_id == user.pk


rules.add_perm("recommend.import_items", is_administrator)
rules.add_perm("recommend.manage", is_administrator)
rules.add_perm("recommend.judge", is_lead | is_administrator)
rules.add_perm("recommend.view_reader", is_own_reader | is_administrator)
rules.add_perm("recommend.change_reader", is_own_reader | is_administrator)
