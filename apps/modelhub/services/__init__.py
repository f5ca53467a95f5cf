"""Writes: corrections, data sets, runs, and which version is served.

The apps import the corrections alone; what else is here is in modules of its own.
"""

from apps.modelhub.services.examples import (
    MAX_LABEL,
    MAX_TEXT,
    entities_add,
    example_add,
    example_discard,
    example_find,
    example_labels,
    example_undo,
    examples_detach,
    examples_forget,
    examples_forget_of,
    examples_of_others,
    examples_said,
    examples_said_by,
)

__all__ = [
    "MAX_LABEL",
    "MAX_TEXT",
    "entities_add",
    "example_add",
    "example_discard",
    "example_find",
    "example_labels",
    "example_undo",
    "examples_detach",
    "examples_forget",
    "examples_forget_of",
    "examples_of_others",
    "examples_said",
    "examples_said_by",
]
