"""What the public intent sets have in common with a bank's."""

from __future__ import annotations

BANKING_LIKE_CLINC = frozenset(
    {
        "account_blocked",
        "apr",
        "application_status",
        "balance",
        "bill_balance",
        "bill_due",
        "card_declined",
        "credit_limit",
        "credit_limit_change",
        "credit_score",
        "damaged_card",
        "exchange_rate",
        "expiration_date",
        "freeze_account",
        "improve_credit_score",
        "insurance",
        "insurance_change",
        "interest_rate",
        "international_fees",
        "min_payment",
        "new_card",
        "order_checks",
        "pay_bill",
        "payday",
        "pin_change",
        "redeem_rewards",
        "replacement_card_duration",
        "report_fraud",
        "report_lost_card",
        "rewards_balance",
        "rollover_401k",
        "routing",
        "spending_history",
        "taxes",
        "transactions",
        "transfer",
    }
)
"""CLINC150 intents close to a bank's: neither in nor clearly out of Banking77's scope."""
