"""Reads conversation tests from YAML; what is wrong is named by file, conversation and turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from ml.errors import DataError

ACTIONS = (
    "answer", "clarify", "chat", "unsure", "hand_over", "silent", "ask", "done", "cancelled"
)  # fmt: skip
"""What the bot may do; ``silent``: a person has the conversation, so the bot says nothing; ``ask``,
``done`` and ``cancelled`` are turns of a flow."""

_TEXT = {"type": "string", "minLength": 1, "pattern": r"\S"}
_TEXTS = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_TURN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["bot"],
    "oneOf": [{"required": ["customer"]}, {"required": ["chooses"]}],
    "properties": {
        "customer": _TEXT,
        "chooses": _TEXT,
        "bot": {
            "oneOf": [
                {"enum": list(ACTIONS)},
                {"type": "array", "items": {"enum": list(ACTIONS)}, "minItems": 1},
            ]
        },
        "cites": _TEXTS,
        "cites_one_of": _TEXTS,
        "offers": _TEXTS,
        "says": _TEXTS,
        "never_says": _TEXTS,
        "stored": _TEXT,
        "entities": {"type": "object", "minProperties": 1, "additionalProperties": _TEXTS},
        "flow": _TEXT,
        "slots": {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
    },
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["conversations"],
    "properties": {
        "about": _TEXT,
        "conversations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "path", "turns"],
                "properties": {
                    "name": _TEXT,
                    "path": {"enum": ["happy", "unhappy"]},
                    "turns": {"type": "array", "items": _TURN, "minItems": 1},
                },
            },
        },
    },
}
_VALIDATOR = Draft202012Validator(_SCHEMA)


@dataclass(frozen=True, slots=True)
class Turn:
    """What the customer does and what must follow; a field that is not set is not looked at.

    ``cites`` are the slugs that the answer cites, all and in order; of ``cites_one_of`` it cites
    at least one; ``offers`` are the articles to choose from. ``says`` and ``never_says`` are parts
    of the answer, without regard to case; ``stored`` is the message as it is kept, ``entities``
    maps kinds to normalised values that must have been found. ``flow`` is the flow that took the
    turn, ``slots`` values that it has filled, as the inspector shows them.
    """

    customer: str | None
    chooses: str | None
    bot: tuple[str, ...]
    cites: tuple[str, ...] | None
    cites_one_of: tuple[str, ...]
    offers: tuple[str, ...]
    says: tuple[str, ...]
    never_says: tuple[str, ...]
    stored: str | None
    entities: dict[str, tuple[str, ...]]
    flow: str | None = None
    slots: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConversationTest:
    """A conversation of a file; ``path`` tells whether things go well in it (happy) or not."""

    file: str
    name: str
    path: str
    turns: tuple[Turn, ...]


def read_conversation_tests(path: Path) -> list[ConversationTest]:
    """The conversations of a YAML file, or of all such files in a folder, in the order of names.

    Raises :class:`DataError` naming file, conversation and turn, and ``FileNotFoundError``.
    """
    if path.is_dir():
        files = sorted(file for suffix in ("yaml", "yml") for file in path.glob(f"**/*.{suffix}"))
        if not files:
            raise DataError(path, None, "holds no YAML files")
    else:
        files = [path]
    tests = [test for file in files for test in _tests_of(file)]
    names: dict[str, str] = {}
    for test in tests:
        if (elsewhere := names.setdefault(test.name, test.file)) != test.file:
            raise DataError(test.file, None, f"conversation {test.name!r} is also in {elsewhere}")
    return tests


def _tests_of(file: Path) -> Iterator[ConversationTest]:
    content = _content(file)
    errors = sorted(_VALIDATOR.iter_errors(content), key=lambda error: list(map(str, error.path)))
    if errors:
        raise DataError(file, None, _problem(content, errors[0]))
    names: set[str] = set()
    for entry in content["conversations"]:
        if entry["name"] in names:
            raise DataError(file, None, f"conversation {entry['name']!r} occurs twice")
        names.add(entry["name"])
        turns = tuple(_turn(turn) for turn in entry["turns"])
        yield ConversationTest(str(file), entry["name"], entry["path"], turns)


def _content(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(file, None, f"is not UTF-8 (byte {error.start})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise DataError(file, mark.line + 1 if mark else None, f"is not YAML: {problem}") from error


def _problem(content: Any, error: ValidationError) -> str:
    """What is wrong, with the name of the conversation and the number of the turn."""
    path = list(error.absolute_path)
    where = []
    if len(path) >= 2 and path[0] == "conversations":
        entry = content["conversations"][path[1]]
        name = entry.get("name") if isinstance(entry, dict) else None
        where.append(f"conversation {name!r}" if name else f"conversation {int(path[1]) + 1}")
        path = path[2:]
        if len(path) >= 2 and path[0] == "turns":
            where.append(f"turn {int(path[1]) + 1}")
            path = path[2:]
    if path:
        where.append(".".join(map(str, path)))
    return ": ".join([", ".join(where), _said(error)] if where else [_said(error)])


def _said(error: ValidationError) -> str:
    """The validator's sentence, or a plainer one where that names only the schema."""
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        return "must have either 'customer' or 'chooses'"
    if error.validator == "oneOf":
        return f"{error.instance!r} is neither a permitted text nor a list of such"
    return str(error.message)


def _turn(entry: dict[str, Any]) -> Turn:
    return Turn(
        customer=entry.get("customer"),
        chooses=entry.get("chooses"),
        bot=_several(entry["bot"]),
        cites=_several(entry["cites"]) if "cites" in entry else None,
        cites_one_of=_several(entry.get("cites_one_of", [])),
        offers=_several(entry.get("offers", [])),
        says=_several(entry.get("says", [])),
        never_says=_several(entry.get("never_says", [])),
        stored=entry.get("stored"),
        entities={kind: _several(value) for kind, value in entry.get("entities", {}).items()},
        flow=entry.get("flow"),
        slots=dict(entry.get("slots", {})),
    )


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
