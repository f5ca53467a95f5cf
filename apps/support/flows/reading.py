"""Reads a flow from YAML; what is wrong is named by file, line, flow, step and field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext
from jsonschema import Draft202012Validator, ValidationError

from apps.support.flows.checking import checked
from apps.support.flows.definition import STEP_KINDS, TESTS, Case, Flow, Rehearsal, Slot, Step
from apps.support.flows.schema import SCHEMA
from apps.support.flows.wrong import FlowInvalid, FlowProblem
from ml.errors import DataError
from ml.wording import Wording

MAX_SOURCE = 100_000
"""Characters of the longest flow."""

_VALIDATOR = Draft202012Validator(SCHEMA)
_MOST_TOLD = 20


class _Loader(yaml.SafeLoader):
    """Reads "yes", "no" and days as the texts that they are in a conversation, as YAML 1.2 does."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if not tag.endswith(":timestamp") and (not tag.endswith(":bool") or first in "tTfF")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class _Source:
    """A text with the tree that tells the line of each of its parts."""

    file: str
    tree: yaml.Node | None
    content: Any

    def problem(self, path: list[Any], message: str) -> FlowProblem:
        flow = self.content.get("flow") if isinstance(self.content, dict) else None
        step, field = None, [str(part) for part in path]
        if len(path) >= 2 and path[0] == "steps":
            entry = self.content["steps"][path[1]]
            known = entry.get("id") if isinstance(entry, dict) else None
            step = str(known or f"number {int(path[1]) + 1}")
            field = field[2:]
        name = str(flow) if isinstance(flow, str) else None
        return FlowProblem(self.file, self.line(path), name, step, ".".join(field), message)

    def line(self, path: list[Any]) -> int | None:
        """The line of the innermost part of ``path`` that stands in the text."""
        node, line = self.tree, self.tree.start_mark.line + 1 if self.tree else None
        for part in path:
            if isinstance(node, yaml.MappingNode):
                pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        return line


def read_flow(source: str, *, file: str = "flow") -> Flow:
    """The flow of a YAML text; raises :class:`FlowInvalid` with all that is wrong in it."""
    parsed = _parsed(source, file)
    errors = sorted(_VALIDATOR.iter_errors(parsed.content), key=lambda e: list(map(str, e.path)))
    if errors:
        told = [parsed.problem(list(error.absolute_path), _said(error)) for error in errors]
        raise FlowInvalid(told[:_MOST_TOLD])
    twice = gettext("the step %(step)r stands here twice")
    repeated = [
        parsed.problem(["steps", number, "id"], twice % {"step": entry["id"]})
        for number, entry in enumerate(parsed.content["steps"])
        if entry["id"] in [earlier["id"] for earlier in parsed.content["steps"][:number]]
    ]
    if repeated:
        raise FlowInvalid(repeated)
    flow = _flow(parsed.content)
    wrong = [parsed.problem(path, message) for path, message in checked(flow)]
    if wrong:
        raise FlowInvalid(wrong[:_MOST_TOLD])
    return flow


def read_files(path: Path) -> dict[Path, str]:
    """The texts of a YAML file, or of all in a folder, by name; raises ``DataError``."""
    if not path.exists():
        raise DataError(path, None, Wording("does not exist"))
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise DataError(path, None, Wording("holds no YAML files"))
    try:
        return {file: file.read_text(encoding="utf-8") for file in files}
    except UnicodeDecodeError as error:
        told = Wording("is not UTF-8 (byte %(byte)s)", byte=error.start)
        raise DataError(path, None, told) from error


def _parsed(source: str, file: str) -> _Source:
    if len(source) > MAX_SOURCE:
        message = gettext("has %(number)s characters; %(most)s are allowed") % {
            "number": f"{len(source):,}",
            "most": f"{MAX_SOURCE:,}",
        }
        raise FlowInvalid([FlowProblem(file, None, None, None, "", message)])
    try:
        tree = yaml.compose(source, Loader=_Loader)
        if _refers(source):
            message = gettext("has anchors or aliases (& and *); write out what they stand for")
            raise FlowInvalid([FlowProblem(file, None, None, None, "", message)])
        content = yaml.load(source, Loader=_Loader)  # noqa: S506 - it is a safe loader
        return _Source(file, tree, content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or gettext("it cannot be parsed")
        line = mark.line + 1 if mark else None
        message = gettext("is not YAML: %(problem)s") % {"problem": problem}
        raise FlowInvalid([FlowProblem(file, line, None, None, "", message)]) from error


def _refers(source: str) -> bool:
    """Whether a text has aliases: a few lines of them unfold to more than memory holds."""
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(source, Loader=_Loader))


def _said(error: ValidationError) -> str:
    """The validator's sentence, or a plainer one where that names only the schema."""
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        if "id" in error.instance:
            return gettext("a step has exactly one of %(kinds)s") % {"kinds": ", ".join(STEP_KINDS)}
        return gettext("a case has exactly one of %(tests)s") % {"tests": ", ".join(TESTS)}
    if error.validator == "pattern":
        return gettext("%(value)r is not written as it must be (%(pattern)s)") % {
            "value": str(error.instance)[:60],
            "pattern": error.validator_value,
        }
    return str(error.message)[:300]


def _flow(content: Mapping[str, Any]) -> Flow:
    start = content["start"]
    entries = content["steps"]
    following = [entry["id"] for entry in entries[1:]] + [""]
    steps = [_step(entry, after) for entry, after in zip(entries, following, strict=True)]
    return Flow(
        name=content["flow"],
        title=content["title"],
        about=content.get("about", ""),
        intents=tuple(start.get("intents", ())),
        offered_on=tuple(start.get("offered_on", ())),
        phrases=tuple(start.get("phrases", ())),
        slots={name: _slot(name, slot) for name, slot in content.get("slots", {}).items()},
        steps={step.id: step for step in steps},
        rehearsals=tuple(
            Rehearsal(one["name"], tuple(one["says"]), one["ends"], one.get("contains", ""))
            for one in content["tests"]
        ),
    )


def _slot(name: str, entry: Mapping[str, Any]) -> Slot:
    choices = entry.get("choices", {})
    return Slot(
        name=name,
        choices={str(value): tuple(words) for value, words in choices.items()},
        **{key: value for key, value in entry.items() if key != "choices"},
    )


def _step(entry: Mapping[str, Any], following: str) -> Step:
    kind = next(kind for kind in STEP_KINDS if kind in entry)
    main = entry[kind]
    plain = {"anew", "yes", "no", "into", "tries", "seconds", "on_error", "preview"}
    more = {name: value for name, value in entry.items() if name in plain}
    if kind == "ask":
        more["slot"] = main
    elif kind in ("say", "confirm", "hand_over", "end"):
        more["text"] = main
    elif kind == "branch":
        more["cases"] = tuple(_case(case) for case in main)
    elif kind == "set":
        more["values"] = {name: str(value) for name, value in main.items()}
    else:
        sent = entry.get("with", {})
        more |= {"action": main, "values": {name: str(value) for name, value in sent.items()}}
    after = entry.get("else" if kind == "branch" else "next", following)
    return Step(id=entry["id"], kind=kind, next=after, **more)


def _case(entry: Mapping[str, Any]) -> Case:
    test = next(test for test in TESTS if test in entry)
    return Case(entry["if"], test, entry[test], entry["to"])
