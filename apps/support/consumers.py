"""Sockets of the widget and of the operators' console."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from channels.db import database_sync_to_async

from apps.core import events
from apps.core.consumers import StreamConsumer
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.support import answerer, selectors, services, thinking
from apps.support.models import Conversation, Message
from apps.support.payloads import (
    SHOWN_MESSAGES,
    chosen_of,
    client_id_of,
    conversation_payload,
    message_payload,
    note_payload,
    number_of,
    tags_of,
    text_of,
    until_of,
    visitor_state,
)
from apps.support.services import receipts
from apps.support.visitors import visitor_of

State = Conversation.State
VISITOR_FRAMES_PER_SECOND = 3


class ConversationConsumer(StreamConsumer):
    """A socket on which people see each other type: told to who is there now, never stored."""

    async def tell_typing(self, stream: str, author: str, name: str = "") -> None:
        if stream not in self.cursors:
            return
        frame = {"type": "typing", "stream": stream, "author": author, "name": name}
        message = {"type": "stream.typing", "sender": self.channel_name, "frame": frame}
        await self.channel_layer.group_send(events.group_name(stream), message)

    async def earlier(self, conversation_id: UUID, before: int | None) -> dict[str, Any]:
        """Messages that stand before number ``before``, as many as are shown at once."""
        if before is None or before < 1:
            raise InvalidInput('"before" is not the number of a message.', code="frame_invalid")

        def read() -> list[dict[str, Any]]:
            conversation = selectors.conversation_get(conversation_id=conversation_id)
            messages = selectors.message_list(
                conversation=conversation, before=before, latest=SHOWN_MESSAGES
            )
            return [message_payload(message) for message in messages]

        return {"messages": await database_sync_to_async(read)()}

    async def stream_typing(self, message: dict[str, Any]) -> None:
        """Somebody types, says the channel layer."""
        if message["sender"] != self.channel_name and message["frame"]["stream"] in self.cursors:
            await self.send_json(message["frame"])


class WidgetConsumer(ConversationConsumer):
    """``/ws/support/widget/``: a visitor and the own conversation, which opens with a message."""

    frames_per_second: ClassVar[float] = VISITOR_FRAMES_PER_SECOND
    frames_burst: ClassVar[int] = 30

    visitor: UUID
    conversation: Conversation | None
    bot_speaks: bool
    """Whether it is likely that the next message is for the bot; what is stored decides."""

    async def authorise(self) -> None:
        visitor = visitor_of(self.scope.get("cookies", {}))
        if visitor is None:
            raise NotAllowed("Open the chat page first.", code="visitor_unknown")
        self.visitor = visitor
        self.conversation = await database_sync_to_async(selectors.conversation_of_visitor)(
            visitor=visitor
        )
        known = self.conversation
        self.bot_speaks = known is None or known.state in (State.BOT, State.RESOLVED)

    async def greeting(self) -> dict[str, Any]:
        return await database_sync_to_async(self._snapshot)()

    def _snapshot(self) -> dict[str, Any]:
        """The conversation as it is; the head is read first, so nothing falls in between."""
        if self.conversation is None:
            return {"conversation": None, "messages": []}
        stream = services.conversation_stream(self.conversation.id)
        head = events.head(stream)
        conversation = selectors.conversation_get(conversation_id=self.conversation.id)
        place = selectors.place_get(conversation=conversation)
        messages = selectors.message_list(conversation=conversation, latest=SHOWN_MESSAGES)
        return {
            "conversation": str(conversation.id),
            "stream": stream,
            "seq": head,
            "state": visitor_state(conversation, place),
            "read": conversation.operator_read,
            "messages": [message_payload(message) for message in messages],
        }

    async def may_follow(self, stream: str) -> bool:
        return self.conversation is not None and stream == services.conversation_stream(
            self.conversation.id
        )

    async def on_message_send(self, frame: dict[str, Any]) -> dict[str, Any]:
        text, client_id, chosen = text_of(frame), client_id_of(frame), chosen_of(frame)
        if self.bot_speaks:
            thinking.foresee(text)
        conversation = await self._conversation()
        received = await database_sync_to_async(services.message_receive)(
            conversation_id=conversation.id,
            text=text,
            client_id=client_id,
            chosen=chosen,
            answer_here=True,
        )
        self.bot_speaks = received.repeated or received.turn is not None
        if received.leased and received.turn is not None:
            answerer.answer_soon(received.turn.pk, received.turn)
        return {
            "conversation": str(conversation.id),
            "stream": services.conversation_stream(conversation.id),
            "message": message_payload(received.message),
        }

    async def on_history_read(self, frame: dict[str, Any]) -> dict[str, Any]:
        if self.conversation is None:
            return {"messages": []}
        return await self.earlier(self.conversation.id, number_of(frame, "before"))

    async def on_message_read(self, frame: dict[str, Any]) -> None:
        if self.conversation is not None:
            await database_sync_to_async(receipts.read_by_visitor)(
                conversation_id=self.conversation.id, seq=number_of(frame, "seq") or 0
            )

    async def on_rating_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        good = frame.get("good")
        if not isinstance(good, bool) or self.conversation is None:
            raise InvalidInput('"good" is true or false, of a conversation.', code="frame_invalid")
        await database_sync_to_async(services.rating_set)(
            conversation_id=self.conversation.id, good=good
        )
        return {"good": good}

    async def on_person_request(self, frame: dict[str, Any]) -> dict[str, Any]:
        conversation = await self._conversation()
        await database_sync_to_async(services.person_request)(conversation_id=conversation.id)
        return {
            "conversation": str(conversation.id),
            "stream": services.conversation_stream(conversation.id),
        }

    async def on_typing(self, frame: dict[str, Any]) -> None:
        if self.conversation is not None:
            stream = services.conversation_stream(self.conversation.id)
            await self.tell_typing(stream, Message.Author.VISITOR)

    async def _conversation(self) -> Conversation:
        """The visitor's conversation, opened and followed at the first message."""
        if self.conversation is None:
            self.conversation = await database_sync_to_async(services.conversation_open)(
                visitor=self.visitor
            )
        stream = services.conversation_stream(self.conversation.id)
        if stream not in self.cursors:
            await self.follow(stream, 0)
        return self.conversation


class ConsoleConsumer(ConversationConsumer):
    """``/ws/support/console/``: operators follow the inbox and conversations, and act in them."""

    async def authorise(self) -> None:
        if not await database_sync_to_async(self.user.has_perm)("support.use_console"):
            raise NotAllowed("The console is for operators.")

    async def greeting(self) -> dict[str, Any]:
        """Follows the desk from the start, by which it hears of what it may not see any more."""
        await self.follow(services.DESK)
        await self._sign_of_life()
        return {"desk": services.DESK}

    async def may_follow(self, stream: str) -> bool:
        return await database_sync_to_async(selectors.stream_in_sight)(
            stream=stream, operator=await self._operator()
        )

    async def on_ping(self, frame: dict[str, Any]) -> dict[str, Any]:
        await self._sign_of_life()
        return {}

    async def _sign_of_life(self) -> None:
        if await database_sync_to_async(services.duty_touch)(operator=self.user):
            await database_sync_to_async(services.deal_for)(operator=self.user)

    async def _deliver(self, frame: dict[str, Any], text: str = "") -> None:
        await super()._deliver(frame, text)
        if frame["kind"] == "access.changed":
            await self._let_go()

    async def _let_go(self) -> None:
        """Stop following what this person may not see any more, and say so."""
        for stream in list(self.cursors):
            try:
                allowed = await self.may_follow(stream)
            except NotAllowed:
                allowed = False
            if not allowed and self.cursors.pop(stream, None) is not None:
                await self.channel_layer.group_discard(events.group_name(stream), self.channel_name)
                await self.send_json({"type": "revoked", "stream": stream})

    async def on_presence_set(self, frame: dict[str, Any]) -> dict[str, Any]:
        away = frame.get("away")
        if not isinstance(away, bool):
            raise InvalidInput('"away" is neither true nor false.', code="frame_invalid")
        await database_sync_to_async(services.presence_set)(
            operator=await self._operator(), away=away
        )
        return {"presence": "away" if away else "online"}

    async def on_conversation_transfer(self, frame: dict[str, Any]) -> dict[str, Any]:
        note = text_of({"text": frame["note"]}) if frame.get("note") else ""
        return await self._act(
            services.conversation_transfer,
            frame,
            team_id=number_of(frame, "team"),
            assignee_id=number_of(frame, "assignee"),
            note=note,
            client_id=client_id_of(frame),
        )

    async def on_typing(self, frame: dict[str, Any]) -> None:
        stream = services.conversation_stream(_conversation_id(frame))
        await self.tell_typing(stream, Message.Author.OPERATOR, self.user.first_name)

    async def on_message_send(self, frame: dict[str, Any]) -> dict[str, Any]:
        text, client_id = text_of(frame), client_id_of(frame)
        message, _ = await database_sync_to_async(services.operator_reply)(
            conversation_id=_conversation_id(frame),
            operator=await self._operator(),
            text=text,
            client_id=client_id,
        )
        return {"message": await database_sync_to_async(message_payload)(message)}

    async def on_history_read(self, frame: dict[str, Any]) -> dict[str, Any]:
        stream = services.conversation_stream(_conversation_id(frame))
        if not await self.may_follow(stream):
            raise NotFound("There is no such conversation.", code="conversation_not_found")
        return await self.earlier(_conversation_id(frame), number_of(frame, "before"))

    async def on_message_read(self, frame: dict[str, Any]) -> None:
        await database_sync_to_async(receipts.read_by_operator)(
            conversation_id=_conversation_id(frame),
            operator=self.user,
            seq=number_of(frame, "seq") or 0,
        )

    async def on_conversation_take(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._act(services.conversation_take, frame)

    async def on_conversation_release(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._act(services.conversation_release, frame)

    async def on_conversation_resolve(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._act(services.conversation_resolve, frame)

    async def on_conversation_assign(self, frame: dict[str, Any]) -> dict[str, Any]:
        assignee = number_of(frame, "assignee")
        return await self._act(
            services.conversation_assign,
            frame,
            assignee_id=self.user.pk if assignee is None else assignee,
            expected_id=number_of(frame, "expected"),
        )

    async def on_conversation_sort(self, frame: dict[str, Any]) -> dict[str, Any]:
        priority, tags = number_of(frame, "priority"), tags_of(frame)
        return await self._act(services.conversation_sort, frame, priority=priority, tags=tags)

    async def on_conversation_snooze(self, frame: dict[str, Any]) -> dict[str, Any]:
        return await self._act(services.conversation_snooze, frame, until=until_of(frame))

    async def on_note_add(self, frame: dict[str, Any]) -> dict[str, Any]:
        text, client_id = text_of(frame), client_id_of(frame)
        note, _ = await database_sync_to_async(services.note_add)(
            conversation_id=_conversation_id(frame),
            operator=await self._operator(),
            text=text,
            client_id=client_id,
        )
        return {"note": await database_sync_to_async(note_payload)(note)}

    async def _act(self, service: Any, frame: dict[str, Any], **more: Any) -> dict[str, Any]:
        conversation = await database_sync_to_async(service)(
            conversation_id=_conversation_id(frame), operator=await self._operator(), **more
        )
        return {"conversation": conversation_payload(conversation)}

    async def _operator(self) -> Any:
        """The operator, read anew: a role may have been taken away since the socket opened."""
        await database_sync_to_async(self.user.refresh_from_db)()
        if not await database_sync_to_async(self.user.has_perm)("support.handle_conversation"):
            raise NotAllowed("You are not an operator any more.")
        return self.user


def _conversation_id(frame: dict[str, Any]) -> UUID:
    try:
        return UUID(str(frame.get("conversation")))
    except ValueError as error:
        raise InvalidInput('"conversation" is not an id.', code="frame_invalid") from error
