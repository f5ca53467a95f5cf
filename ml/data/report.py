"""What is in a data set, and what is wrong with it, before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ml.data.columns import Columns
from ml.data.dataset_folders import training_splits
from ml.data.duplicates import exact_groups, near_pairs
from ml.data.label_noise import label_noise
from ml.data.mentions import odd_mentions
from ml.data.multi_label import MultiLabelText, read_multi_label
from ml.data.readers import LabelledText, Problems, TaggedSentence, read_classification, read_ner
from ml.data.row_kinds import names_of, shown, value_of
from ml.data.splits import text_key
from ml.data.text_tools import TextTools
from ml.data.unknown_tokens import WORTH_TELLING
from ml.errors import DataError
from ml.types import OUT_OF_SCOPE
from ml.wording import Wording

Report = Callable[[int, int, str], None]
DataKind = Literal["classification", "multi_label", "ner"]
Row = LabelledText | MultiLabelText | TaggedSentence

SHOWN = 200
_BINS = 24
_FEW_ROWS = 10
_LONG_TOKENS = 256  # what the shipped models read of a text
_UNEVEN = 20
_NOISY = 0.05  # the share of suspect labels that is warned of


@dataclass(frozen=True, slots=True)
class _Placed:
    """A row with the file it is in and its text."""

    file: str
    row: Row
    text: str

    @property
    def label(self) -> str:
        """The label, the list of labels, or the BIO tags, as one text."""
        if isinstance(self.row, TaggedSentence):
            return " ".join(self.row.tags)
        return shown(self.row, value_of(self.row))

    def shown(self) -> dict[str, Any]:
        place = {"file": self.file, "row": self.row.row, "text": self.text[:500]}
        return place if isinstance(self.row, TaggedSentence) else place | {"label": self.label}


def data_report(
    train: Path,
    valid: Path | None,
    *,
    kind: DataKind = "classification",
    columns: Columns | None = None,
    tools: TextTools | None = None,
    seed: int = 0,
    report: Report = lambda done, total, title: None,
) -> dict[str, Any]:
    """Everything that a person should know of the files, ready for JSON.

    Raises :class:`DataError` when a file has no usable row, ``FileNotFoundError`` when it is not
    there. Lists of rows hold the first ``SHOWN``; their numbers count all. Where a text may have
    several labels its whole list is what is contradicted and what looks wrong.
    """
    tools = tools or TextTools()
    train, valid = training_splits(train, valid)
    files = [("train", train)] + ([("valid", valid)] if valid is not None else [])
    placed: list[_Placed] = []
    sizes: dict[str, Any] = {}
    for name, path in files:
        problems = Problems(keep=SHOWN)
        rows = _read(path, kind, problems, name, columns)
        if not rows:
            first = f"; the first problem: {problems.errors[0]}" if problems.errors else ""
            raise DataError(path, None, f"has no usable row{first}")
        placed += rows
        sizes[name] = {
            "file": path.name,
            "rows": len(rows),
            "bad_rows": problems.count,
            "problems": [str(error) for error in problems.errors],
        }
    texts = [one.text for one in placed]
    result: dict[str, Any] = {"kind": kind, "files": sizes, "labels": _labels(placed)}
    result["lengths"] = _lengths(texts, tools)
    result |= _repeats(placed, report)
    training = [one for one in placed if one.file == "train"]
    if tools.unknown_share is not None:
        result["unknown_tokens"] = tools.unknown_share([one.text for one in training])
    if kind == "ner":
        result["odd_mentions"] = _odd(training)
    else:
        result["label_noise"] = _noise(training, tools, seed, report)
    result["warnings"] = _warnings(result)
    return result


def _read(
    path: Path, kind: DataKind, problems: Problems, name: str, columns: Columns | None
) -> list[_Placed]:
    if kind == "ner":
        tagged = read_ner(path, problems, columns)
        return [_Placed(name, row, " ".join(row.tokens)) for row in tagged]
    read = read_multi_label if kind == "multi_label" else read_classification
    rows: Iterator[LabelledText | MultiLabelText] = read(path, problems, columns)
    return [_Placed(name, row, row.text) for row in rows]


def _labels(placed: Sequence[_Placed]) -> list[dict[str, Any]]:
    """Rows (entities, for NER) of each label in each file, the most frequent first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in placed:
        for name in names_of(one.row):
            counts[name][one.file] += 1
    return [
        {"label": name, "train": count["train"], "valid": count["valid"]}
        for name, count in sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    ]


def _lengths(texts: Sequence[str], tools: TextTools) -> dict[str, Any]:
    lengths = {"characters": _distribution([len(text) for text in texts])}
    if tools.count_tokens is not None:
        lengths["tokens"] = _distribution(tools.count_tokens(texts))
    return lengths


def _distribution(values: Sequence[int]) -> dict[str, Any]:
    """Summary and a histogram whose last bin holds the longest hundredth."""
    array = np.asarray(values)
    most = max(int(np.quantile(array, 0.99)), 1)
    step = max(1, -(-most // _BINS))
    bins = Counter(min(value // step, most // step) for value in array.tolist())
    last = most // step
    return {
        "least": int(array.min()),
        "median": float(np.median(array)),
        "mean": float(array.mean()),
        "p95": float(np.quantile(array, 0.95)),
        "most": int(array.max()),
        "over_long": int((array > _LONG_TOKENS).sum()),
        "histogram": [
            (f"{i * step}+" if i == last else f"{i * step}", bins[i]) for i in range(last + 1)
        ],
    }


def _repeats(placed: Sequence[_Placed], report: Report) -> dict[str, Any]:
    texts = [one.text for one in placed]
    groups = exact_groups(texts)
    pairs = near_pairs(texts, report=report)
    crossing = [g for g in groups if len({placed[i].file for i in g}) > 1]
    near_crossing = [p for p in pairs if placed[p.first].file != placed[p.second].file]
    conflicts = [g for g in groups if len({placed[i].label for i in g}) > 1]
    examples = [[placed[i].shown() for i in group] for group in groups[:SHOWN]]
    leaked = sum(placed[i].file == "valid" for group in crossing for i in group)
    return {
        "exact_duplicates": {
            "groups": len(groups),
            "surplus_rows": sum(len(group) - 1 for group in groups),
            "examples": examples,
        },
        "near_duplicates": {"pairs": len(pairs), "examples": _shown_pairs(placed, pairs)},
        "leakage": {
            "exact_rows": leaked,
            "near_pairs": len(near_crossing),
            "exact": [[placed[i].shown() for i in group] for group in crossing[:SHOWN]],
            "near": _shown_pairs(placed, near_crossing),
        },
        "conflicts": {
            "groups": len(conflicts),
            "examples": [[placed[i].shown() for i in group] for group in conflicts[:SHOWN]],
        },
    }


def _shown_pairs(placed: Sequence[_Placed], pairs: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "similarity": pair.similarity,
            "first": placed[pair.first].shown(),
            "second": placed[pair.second].shown(),
        }
        for pair in pairs[:SHOWN]
    ]


def _noise(
    training: Sequence[_Placed], tools: TextTools, seed: int, report: Report
) -> dict[str, Any] | None:
    if tools.embed is None:
        return None
    texts = [one.text for one in training]
    judged, suspects = label_noise(
        tools.embed(texts),
        [one.label for one in training],
        [text_key(text) for text in texts],
        seed=seed,
        report=report,
    )
    pairs = Counter((one.label, one.suggested) for one in suspects)
    return {
        "judged": judged,
        "suspects": len(suspects),
        "share": len(suspects) / judged if judged else 0.0,
        "pairs": [
            {"label": label, "suggested": suggested, "rows": n}
            for (label, suggested), n in pairs.most_common(20)
        ],
        "examples": [
            training[one.index].shown()
            | {"suggested": one.suggested, "own": one.own, "other": one.other}
            for one in suspects[:SHOWN]
        ],
    }


def _odd(training: Sequence[_Placed]) -> dict[str, Any]:
    found = odd_mentions([one.row for one in training if isinstance(one.row, TaggedSentence)])
    return {
        "mentions": len(found),
        "examples": [training[one.index].shown() | asdict(one) for one in found[:SHOWN]],
    }


def _warnings(result: dict[str, Any]) -> list[Wording]:
    """What to mend first, in sentences."""
    said = []
    labels = {row["label"]: row for row in result["labels"]}
    few = [name for name, row in labels.items() if 0 < row["train"] < _FEW_ROWS]
    if few:
        named = ", ".join(few[:20])
        said.append(
            Wording(
                "Labels with fewer than %(least)s training rows: %(named)s.",
                least=_FEW_ROWS,
                named=named,
            )
        )
    # No label: rows that are out of scope may be there to measure by alone.
    learnt = {name: row for name, row in labels.items() if name != OUT_OF_SCOPE}
    unseen = [name for name, row in learnt.items() if row["valid"] and not row["train"]]
    if unseen:
        named = ", ".join(unseen[:20])
        said.append(Wording("Labels in the validation file alone: %(named)s.", named=named))
    # A tagger tells its one type from other words.
    if result["kind"] == "classification" and sum(row["train"] > 0 for row in learnt.values()) == 1:
        said.append(Wording("There is one label only; nothing can be learnt."))
    counts = [row["train"] for row in labels.values() if row["train"]]
    if counts and max(counts) > _UNEVEN * min(counts):
        said.append(
            Wording(
                "The most frequent label has %(most)s training rows, the rarest %(least)s.",
                most=max(counts),
                least=min(counts),
            )
        )
    leakage = result["leakage"]
    if rows := leakage["exact_rows"]:
        said.append(
            Wording("One validation row is a training row, too.")
            if rows == 1
            else Wording("%(rows)s validation rows are training rows, too.", rows=rows)
        )
    if pairs := leakage["near_pairs"]:
        said.append(near_pairs_span(pairs))
    if texts := result["conflicts"]["groups"]:
        said.append(
            Wording("One text has different labels.")
            if texts == 1
            else Wording("%(texts)s texts have different labels.", texts=texts)
        )
    noise = result.get("label_noise")
    if noise and noise["share"] >= _NOISY:
        said.append(
            Wording(
                "%(suspects)s of %(judged)s labels look wrong.",
                suspects=noise["suspects"],
                judged=noise["judged"],
            )
        )
    return [*said, *_of_tokens(result)]


def _of_tokens(result: dict[str, Any]) -> list[Wording]:
    """What an encoder will not read of the texts."""
    said = []
    if (unknown := result.get("unknown_tokens", 0.0)) >= WORTH_TELLING:
        said.append(
            Wording(
                "The encoder does not know %(share)s of the tokens of the training texts, and "
                "reads all of these alike; train from one for the language of the texts.",
                share=f"{unknown:.0%}",
            )
        )
    tokens = result["lengths"].get("tokens")
    if tokens and (texts := tokens["over_long"]):
        said.append(
            Wording("One text has more than %(most)s tokens.", most=_LONG_TOKENS)
            if texts == 1
            else Wording(
                "%(texts)s texts have more than %(most)s tokens.", texts=texts, most=_LONG_TOKENS
            )
        )
    return said


def near_pairs_span(pairs: int) -> Wording:
    """That texts much alike are on both sides."""
    if pairs == 1:
        return Wording("One pair of near duplicates spans both parts.")
    return Wording("%(pairs)s pairs of near duplicates span both parts.", pairs=pairs)


def summary(result: dict[str, Any]) -> list[str]:
    """The report in a few lines, for a terminal."""
    lines = [
        f"{name}: {size['rows']} rows, {size['bad_rows']} bad ones, of {size['file']}"
        for name, size in result["files"].items()
    ]
    lines += [
        f"labels: {len(result['labels'])}",
        f"exact duplicates: {result['exact_duplicates']['surplus_rows']} rows too many",
        f"near duplicates: {result['near_duplicates']['pairs']} pairs",
    ]
    noise, odd = result.get("label_noise"), result.get("odd_mentions")
    if noise:
        lines.append(f"suspect labels: {noise['suspects']} of {noise['judged']} rows judged")
    if odd:
        lines.append(f"names labelled against their custom: {odd['mentions']}")
    return lines + [f"note: {warning}" for warning in result["warnings"]]
