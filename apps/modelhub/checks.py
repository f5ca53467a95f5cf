"""What ``manage.py check --deploy`` says of the models."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.db import DatabaseError

from apps.core import gateway
from apps.modelhub.selectors.shipped import newer_shipped


@register(Tags.compatibility, deploy=True)
def unusable_models(**_: Any) -> list[CheckMessage]:
    """An error for each task whose active version cannot be served."""
    return [
        Error(
            f"The task {task} cannot be served: {problem}",
            hint="manage.py build_models builds it anew.",
            id="modelhub.E001",
        )
        for task, problem in gateway.unusable().items()
    ]


@register(Tags.compatibility, deploy=True)
def newer_models(**_: Any) -> list[CheckMessage]:
    """A hint for each task whose shipped version is newer than the one that is served."""
    try:
        found = newer_shipped()
    except DatabaseError:  # not migrated yet
        return []
    return [
        Info(
            f"The shipped version {one.version} of {one.task} is newer than {one.live}, "
            "which is served.",
            hint=f"manage.py promote --task {one.task} --version {one.version}"
            if one.built
            else "manage.py build_models builds it.",
            id="modelhub.I001",
        )
        for one in found
    ]
