"""Writes: conversations, messages, turns, articles. Each is one transaction with its events."""

from apps.support.services.absence import absent_return, silence_return
from apps.support.services.articles import (
    Content,
    article_create,
    article_delete,
    article_put,
    article_restore,
    article_update,
    versions_record,
)
from apps.support.services.conversations import (
    Received,
    conversation_open,
    conversation_release,
    conversation_resolve,
    conversation_start,
    conversation_take,
    message_receive,
    operator_reply,
    person_request,
)
from apps.support.services.deadlines import (
    breaches_tell,
    hours_save,
    policy_delete,
    policy_save,
)
from apps.support.services.desk import (
    MOST_AT_ONCE,
    conversation_assign,
    conversation_snooze,
    conversation_sort,
    conversations_handle,
    conversations_wake,
    note_add,
)
from apps.support.services.macros import macro_delete, macro_list, macro_save
from apps.support.services.presence import (
    duty_set,
    duty_touch,
    presence_expire,
    presence_set,
)
from apps.support.services.queueing import deal, deal_all, deal_for
from apps.support.services.teams import conversation_transfer, team_delete, team_save
from apps.support.services.turns import (
    LEASE,
    Closed,
    turn_claim,
    turn_claim_next,
    turn_close,
    turn_postpone,
)
from apps.support.services.views import view_delete, view_save
from apps.support.streams import (
    DESK,
    INBOX,
    conversation_stream,
    mentions_stream,
    notes_stream,
    team_inbox,
)

__all__ = [
    "DESK",
    "INBOX",
    "LEASE",
    "MOST_AT_ONCE",
    "Closed",
    "Content",
    "Received",
    "absent_return",
    "article_create",
    "article_delete",
    "article_put",
    "article_restore",
    "article_update",
    "breaches_tell",
    "conversation_assign",
    "conversation_open",
    "conversation_release",
    "conversation_resolve",
    "conversation_snooze",
    "conversation_sort",
    "conversation_start",
    "conversation_stream",
    "conversation_take",
    "conversation_transfer",
    "conversations_handle",
    "conversations_wake",
    "deal",
    "deal_all",
    "deal_for",
    "duty_set",
    "duty_touch",
    "hours_save",
    "macro_delete",
    "macro_list",
    "macro_save",
    "mentions_stream",
    "message_receive",
    "note_add",
    "notes_stream",
    "operator_reply",
    "person_request",
    "policy_delete",
    "policy_save",
    "presence_expire",
    "presence_set",
    "silence_return",
    "team_delete",
    "team_inbox",
    "team_save",
    "turn_claim",
    "turn_claim_next",
    "turn_close",
    "turn_postpone",
    "versions_record",
    "view_delete",
    "view_save",
]
