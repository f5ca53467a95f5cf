"""What ``manage.py check --deploy`` says of the models."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Info, Tags, register
from django.db import DatabaseError

from apps.modelhub.selectors.shipped import newer_shipped


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
