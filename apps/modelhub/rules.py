"""The model hub is for team leads; against its gate only administrators promote."""

from __future__ import annotations

import rules

from apps.accounts.rules import is_administrator, is_analyst, is_lead, is_operator

rules.add_perm("modelhub.view_models", is_lead)
rules.add_perm("modelhub.view_examples", is_lead)
rules.add_perm("modelhub.change_examples", is_lead)
rules.add_perm("modelhub.change_datasets", is_lead)
rules.add_perm("modelhub.change_runs", is_lead)
rules.add_perm("modelhub.promote", is_lead)
rules.add_perm("modelhub.override_gate", is_administrator)
rules.add_perm("modelhub.label", is_operator | is_analyst)
