"""The synopsis of README.md is true of the commands, and each tells what its options mean."""

from __future__ import annotations

import argparse
import re

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

README = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
OURS = sorted(name for name, app in get_commands().items() if str(app).startswith("apps."))
UNSAID = {"--json", "--columns"}  # of many: the text above the synopsis tells of them
TAKEN_OVER = {"worker"}  # most of its options are those of the library
OPTION = re.compile(r"--[a-z][a-z-]*")


def parser_of(name: str) -> argparse.ArgumentParser:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, BaseCommand)
    return command.create_parser("manage.py", name)


def actions_of(name: str) -> list[argparse.Action]:
    """The arguments that are the command's own; its ``--version`` too, where that is a model's."""
    usual = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    return [action for action in parser_of(name)._actions if action.dest not in usual]


def synopses() -> dict[str, str]:
    """What stands behind the name of each command in the README, in one line."""
    (block,) = re.findall(r"^## Commands$.*?^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = re.sub(r"\n\s+", " ", block).splitlines()
    found = [re.fullmatch(r"manage\.py ([a-z_]+)(.*)", line) for line in lines]
    assert all(found)
    return {one[1]: one[2] for one in found if one}


def test_the_readme_has_every_command_once() -> None:
    assert sorted(synopses()) == OURS


@pytest.mark.parametrize("name", OURS)
def test_the_readme_has_every_option_and_no_other(name: str) -> None:
    actions = [action for action in actions_of(name) if action.option_strings]
    there = {option for action in actions for option in action.option_strings} - UNSAID
    said = set(OPTION.findall(synopses()[name]))
    assert said - there == set()
    assert name in TAKEN_OVER or there - said == set()


@pytest.mark.parametrize("name", OURS)
def test_the_readme_tells_what_must_be_given(name: str) -> None:
    """What may be left out stands in brackets; of what stands in parentheses one is given."""
    optional = synopses()[name]
    while (outer := re.sub(r"\[[^\[\]]*\]|\([^()]*\)", "", optional)) != optional:
        optional = outer
    needed = {
        action.option_strings[-1]
        for action in actions_of(name)
        if action.required and action.option_strings
    }
    assert set(OPTION.findall(optional)) == needed


@pytest.mark.parametrize("name", OURS)
def test_every_argument_says_what_it_means(name: str) -> None:
    assert [action.dest for action in actions_of(name) if not action.help] == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [("search", "(default: 30.0)"), ("prescreen", "(default: 0.0)"), ("serve", "(default: 8000)")],
)
def test_defaults_are_shown(name: str, shown: str) -> None:
    told = " ".join(parser_of(name).format_help().split())
    assert shown in told
    assert "default: None" not in told
    assert "default: False" not in told
