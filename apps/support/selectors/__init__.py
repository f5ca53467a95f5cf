"""Reads of conversations and articles."""

from apps.support.selectors.articles import (
    article_edited,
    article_get,
    article_list,
    knowledge_base,
    tags_used,
    upload_get,
    version_get,
)
from apps.support.selectors.conversations import (
    TABS,
    analysed_message,
    conversation_get,
    conversation_list,
    conversation_of_visitor,
    counts,
    message_list,
    note_list,
    question_before,
    queue_position,
    snoozed_due,
    turn_get,
    turns_due,
)
from apps.support.selectors.summaries import Summary, summary_get

__all__ = [
    "TABS",
    "Summary",
    "analysed_message",
    "article_edited",
    "article_get",
    "article_list",
    "conversation_get",
    "conversation_list",
    "conversation_of_visitor",
    "counts",
    "knowledge_base",
    "message_list",
    "note_list",
    "question_before",
    "queue_position",
    "snoozed_due",
    "summary_get",
    "tags_used",
    "turn_get",
    "turns_due",
    "upload_get",
    "version_get",
]
