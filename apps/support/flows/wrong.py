"""What is wrong with a flow, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext

from apps.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class FlowProblem:
    """One thing that is wrong; what is not known of its place is ``None``."""

    file: str
    line: int | None
    flow: str | None
    step: str | None
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [
            gettext("flow %(flow)r") % {"flow": self.flow} if self.flow else "",
            gettext("step %(step)r") % {"step": self.step} if self.step else "",
        ]
        where = ", ".join([part for part in parts if part] + ([self.field] if self.field else []))
        return f"{place}: {where}: {self.message}" if where else f"{place}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"said": str(self)}


class FlowInvalid(InvalidInput):
    """A flow that cannot be used, with all that is wrong in it."""

    def __init__(self, problems: Sequence[FlowProblem]) -> None:
        super().__init__("; ".join(map(str, problems)), code="flow_invalid")
        self.problems = list(problems)
