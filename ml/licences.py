"""Which weights may be shipped: those trained only on data whose licence is stated and allows it.

Data sets state their licence in a recipe's ``[licences]`` table, by SPDX name where it has one;
what follows in parentheses is a remark, which may not restrict what the licence allows. Licences
that forbid commercial use or derived works, and data without a stated licence, are good for one's
own models, never for those that others are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ml.artifacts import UNKNOWN, DataSource
from ml.errors import LicenceRefused

OWN = "as the project"
_ALLOWED = re.compile(
    r"(?:CC0(?:-1\.0)?|CC-BY(?:-SA)?-\d\.\d|PDDL-1\.0|ODC-BY(?:-1\.0)?|ODbL-1\.0"
    r"|CDLA-(?:Sharing|Permissive)-\d\.\d|MIT|Apache-2\.0|BSD-[23]-Clause|" + OWN + ")"
)
_REMARK = re.compile(r"\s*\(([^()]*)\)$")
# Words cannot be told from their denial, so any remark on commercial use or derived works counts,
# and any denial whatever it is of; "rows only" tells what was taken, not what for.
_RESTRICTION = re.compile(
    r"\b(?:research\w*|academ\w*|educati\w*|stud(?:y|ies|ying|ents?)|teach\w*|schools?"
    r"|evaluation|tests?|testing|trials?|personal|private\w*|internal\w*|individuals?"
    r"|\w*commercial\w*|\w*profit\w*|\w*sale|\w*sell(?:s|ing)?|sold"
    r"|compan(?:y|ies)|business(?:es)?|\w*deriv\w*|\w*distribut\w*|\w*modif\w*"
    r"|no|not|non|never|cannot|\w+n['\u2019]t|without|unless|except\w*"
    r"|forbid\w*|prohibit\w*|restrict\w*|limited|permission|agreement|consent"
    r"|(?<!\brows )only|NC|ND)\b",
    re.IGNORECASE,
)

Licences = Iterable[tuple[str, str]]
"""Data sets by name, each with a licence; one that is stated twice stands there twice."""


def refused_licences(licences: Licences) -> list[str]:
    """The data sets, with their licences, that no shipped weights may be trained on."""
    return [
        f"{name} ({licence or 'no licence stated'})"
        for name, licence in licences
        if not _allows(licence)
    ]


def _allows(licence: str) -> bool:
    licence = licence.strip()
    remark = _REMARK.search(licence)
    if remark is not None and _RESTRICTION.search(remark[1]):
        return False
    return _ALLOWED.fullmatch(_REMARK.sub("", licence)) is not None


def check_shippable(task: str, licences: Licences, known: Licences = ()) -> None:
    """Raise :class:`LicenceRefused` unless all data sets are stated and may be trained on.

    ``known`` are those that the run's encoder and teachers learned from, of which there may be
    none.
    """
    own = list(licences)
    if not own:
        raise LicenceRefused(f"{task} cannot be shipped: its recipe states no licence of its data")
    if problems := refused_licences([*own, *known]):
        raise LicenceRefused(f"{task} cannot be shipped: trained on {', '.join(problems)}")


def described(licences: Mapping[str, str]) -> str:
    """A recipe's table as one text, as a data source states it."""
    return "; ".join(f"{name}: {licence}" for name, licence in licences.items()) or UNKNOWN


def stated_licences(data: Iterable[DataSource]) -> list[tuple[str, str]]:
    """The data sets that the files are made of, each with every licence that is stated of it."""
    found: dict[tuple[str, str], None] = {}
    for source in data:
        for part in source.licence.split("; "):
            name, stated, licence = part.partition(": ")
            found[(name, licence) if stated else (source.name, "")] = None
    return list(found)
