"""The form of a flow's YAML, as JSON Schema."""

from __future__ import annotations

from typing import Any

from apps.support.flows.definition import ACTIONS, MAX_TRIES, SLOT_KINDS, STEP_KINDS, TESTS

MAX_STEPS = 100

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2000, "pattern": r"\S"}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 50}
_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
_FLOW_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "maxLength": 60}
_VALUE = {"type": ["string", "number", "boolean"]}
_VALUES = {"type": "object", "propertyNames": _NAME, "additionalProperties": _VALUE}

_SLOT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "ask"],
    "properties": {
        "kind": {"enum": list(SLOT_KINDS)},
        "ask": _TEXT,
        "again": _TEXT,
        "tries": {"type": "integer", "minimum": 1, "maximum": MAX_TRIES},
        "choices": {
            "type": "object",
            "minProperties": 2,
            "maxProperties": 12,
            "additionalProperties": {"type": "array", "items": _TEXT},
        },
        "least": {"type": "number"},
        "most": {"type": "number"},
        "when": {"enum": ["past", "future"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "shape": _TEXT,
        "longest": {"type": "integer", "minimum": 1, "maximum": 1000},
    },
}
_CASE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["if", "to"],
    "oneOf": [{"required": [test]} for test in TESTS],
    "properties": {
        "if": {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"},
        "to": _NAME,
        "is": _VALUE,
        "one_of": {"type": "array", "items": _VALUE, "minItems": 1},
        "over": {"type": "number"},
        "under": {"type": "number"},
        "given": {"type": "boolean"},
    },
}
_BELONGS = {  # fields that only some kinds of step have
    "anew": ["ask"],
    "yes": ["confirm"],
    "no": ["confirm"],
    "else": ["branch"],
    "with": list(ACTIONS),
    "into": list(ACTIONS),
    "tries": list(ACTIONS),
    "seconds": list(ACTIONS),
    "on_error": list(ACTIONS),
    "preview": list(ACTIONS),
}
_STEP = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "oneOf": [{"required": [kind]} for kind in STEP_KINDS],
    "properties": {
        "id": _NAME,
        "next": _NAME,
        "ask": _NAME,
        "anew": {"type": "boolean"},
        "say": _TEXT,
        "confirm": _TEXT,
        "yes": _NAME,
        "no": _NAME,
        "branch": {"type": "array", "items": _CASE, "minItems": 1, "maxItems": 20},
        "else": _NAME,
        "do": {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"},
        "webhook": {"type": "string", "pattern": "^https?://", "maxLength": 500},
        "with": _VALUES,
        "into": _NAME,
        "tries": {"type": "integer", "minimum": 1, "maximum": 3},
        "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 5},
        "on_error": _NAME,
        "preview": {"type": "object"},
        "set": {**_VALUES, "minProperties": 1},
        "hand_over": _TEXT,
        "end": _TEXT,
    },
    "dependentSchemas": {
        **{
            field: {"anyOf": [{"required": [kind]} for kind in kinds]}
            for field, kinds in _BELONGS.items()
        },
        "confirm": {"required": ["yes", "no"], "not": {"required": ["next"]}},
        "branch": {"required": ["else"], "not": {"required": ["next"]}},
        "do": {"required": ["on_error"]},
        "webhook": {"required": ["on_error"]},
    },
}
_REHEARSAL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "says", "ends"],
    "properties": {
        "name": _TEXT,
        "says": _TEXTS,
        "ends": {"enum": ["done", "hand_over", "cancelled", "ask"]},
        "contains": _TEXT,
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["flow", "title", "start", "steps", "tests"],
    "properties": {
        "flow": _FLOW_NAME,
        "title": {**_TEXT, "maxLength": 60},
        "about": _TEXT,
        "start": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {"intents": _TEXTS, "offered_on": _TEXTS, "phrases": _TEXTS},
        },
        "slots": {"type": "object", "propertyNames": _NAME, "additionalProperties": _SLOT},
        "steps": {"type": "array", "items": _STEP, "minItems": 1, "maxItems": MAX_STEPS},
        "tests": {"type": "array", "items": _REHEARSAL, "minItems": 1, "maxItems": 50},
    },
}
