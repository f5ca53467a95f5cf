"""The model hub is for administrators."""

from __future__ import annotations

import rules

from apps.accounts.rules import is_administrator

rules.add_perm("modelhub.view_models", is_administrator)
rules.add_perm("modelhub.view_examples", is_administrator)
