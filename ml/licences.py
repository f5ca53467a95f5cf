"""Which weights may be shipped: those trained only on data whose licence is stated and allows it.

Data sets state their licence in a recipe's ``[licences]`` table, by SPDX name where it has one;
what follows in parentheses is a remark. Licences that forbid commercial use or derived works, and
data without a stated licence, are good for one's own models, never for those that others are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ml.artifacts import Artifact
from ml.errors import LicenceRefused

OWN = "as the project"
_ALLOWED = re.compile(
    r"(?:CC0(?:-1\.0)?|CC-BY(?:-SA)?-\d\.\d|PDDL-1\.0|ODC-BY(?:-1\.0)?|ODbL-1\.0"
    r"|CDLA-(?:Sharing|Permissive)-\d\.\d|MIT|Apache-2\.0|BSD-[23]-Clause|" + OWN + ")"
)
_REMARK = re.compile(r"\s*\(.*\)$")


def refused_licences(licences: Mapping[str, str]) -> list[str]:
    """The data sets, with their licences, that no shipped weights may be trained on."""
    return [
        f"{name} ({licence or 'no licence stated'})"
        for name, licence in licences.items()
        if not _ALLOWED.fullmatch(_REMARK.sub("", licence.strip()))
    ]


def check_shippable(task: str, licences: Mapping[str, str]) -> None:
    """Raise :class:`LicenceRefused` unless all data sets are stated and may be trained on."""
    if not licences:
        raise LicenceRefused(f"{task} cannot be shipped: its recipe states no licence of its data")
    if problems := refused_licences(licences):
        raise LicenceRefused(f"{task} cannot be shipped: trained on {', '.join(problems)}")


def stated_licences(artifact: Artifact) -> dict[str, str]:
    """The data sets that an artifact declares, with their licences."""
    found: dict[str, str] = {}
    for source in artifact.data:
        for part in source.licence.split("; "):
            name, stated, licence = part.partition(": ")
            found[name if stated else source.name] = licence if stated else ""
    return found
