"""Operators see and handle conversations, those of private teams as selectors.in_sight says; a
visitor only the own one, by its signed token."""

from __future__ import annotations

import rules

from apps.accounts.rules import is_administrator, is_lead, is_operator

rules.add_perm("support.use_console", is_operator)
rules.add_perm("support.view_conversation", is_operator)
rules.add_perm("support.handle_conversation", is_operator)
rules.add_perm("support.change_articles", is_administrator | is_operator)
rules.add_perm("support.change_macros", is_operator)
rules.add_perm("support.correct_intents", is_operator)
rules.add_perm("support.change_teams", is_lead)
rules.add_perm("support.change_flows", is_lead)
rules.add_perm("support.change_promises", is_lead)
rules.add_perm("support.merge_conversations", is_operator)
rules.add_perm("support.export_customers", is_lead)
rules.add_perm("support.erase_customers", is_lead)
rules.add_perm("support.change_retention", is_lead)
rules.add_perm("support.view_reports", is_operator)
rules.add_perm("support.replay_bot", is_lead)
rules.add_perm("support.view_audit", is_lead)
rules.add_perm("support.sign_customers", is_administrator)
rules.add_perm("support.change_webhooks", is_administrator)
