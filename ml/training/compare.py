"""Several bases, methods or seeds on one data set: quality against size, time and memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ml.data.multi_label import MultiLabelText
from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, TaggedSentence, write_jsonl
from ml.encoders import resolve_encoder
from ml.errors import MLError, TrainingError
from ml.training.config import METHODS, WEAKENED, FinetuneConfig
from ml.training.isolated import IsolatedRun, finetune_isolated
from ml.training.kinds import check_settings
from ml.training.pair_rows import pair_rows
from ml.training.processes import check_alone
from ml.training.rows import (
    FinetuneRequest,
    classification_rows,
    multi_label_rows,
    ner_rows,
)
from ml.types import Kind

Progress = Callable[[int, int, str], None]
Run = Callable[[FinetuneRequest, Progress | None], IsolatedRun]

QUALITY = {
    "classification": "accuracy",
    "multi_label": "macro_f1",
    "ner": "f1",
    "embedding": "recall@1",
}
"""The metric by which models of a kind are compared, on the held-out rows."""

_READERS: dict[Kind, Callable[[FinetuneRequest], tuple[Sequence[Any], Sequence[Any]]]] = {
    "classification": classification_rows,
    "multi_label": multi_label_rows,
    "ner": ner_rows,
    "embedding": pair_rows,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of the comparison: a base encoder tuned by a method, with some seeds."""

    encoder: str
    method: str
    seeds: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.encoder}-{self.method}".replace("/", "_")


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate's measures, means over its seeds; ``spread`` is the standard deviation.

    ``parameters`` counts the trained ones, ``size_mb`` is what is stored beside the base encoder,
    ``peak_memory_mb`` the largest of its runs. ``problem`` says why there is no result.
    """

    candidate: Candidate
    quality: float = 0.0
    spread: float = 0.0
    ece: float | None = None
    parameters: int = 0
    size_mb: float = 0.0
    minutes: float = 0.0
    peak_memory_mb: float = 0.0
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON."""
        content: dict[str, Any] = {
            "encoder": self.candidate.encoder,
            "method": self.candidate.method,
            "seeds": list(self.candidate.seeds),
        }
        if self.problem:
            return content | {"problem": self.problem}
        return content | {
            "quality": round(self.quality, 4),
            "spread": round(self.spread, 4),
            "ece": None if self.ece is None else round(self.ece, 4),
            "trainable_parameters": self.parameters,
            "size_mb": round(self.size_mb, 2),
            "minutes": round(self.minutes, 2),
            "peak_memory_mb": round(self.peak_memory_mb),
        }


def candidates(
    config: FinetuneConfig, *, encoders: Sequence[str], methods: Sequence[str], seeds: Sequence[int]
) -> list[Candidate]:
    """Each encoder with each method; what is empty comes from ``config``.

    Raises :class:`ml.errors.EncoderNotFound`, :class:`ml.errors.TrainingError` for a method that
    there is not, and :class:`ml.errors.DataError` for a seed that is none, before anything is
    trained.
    """
    for method in methods:
        if method not in METHODS:
            raise TrainingError(f"no method {method!r}; there are {', '.join(METHODS)}")
    bases = tuple(dict.fromkeys(encoders)) or (config.encoder,)
    for base in bases:
        resolve_encoder(base)
    chosen = tuple(dict.fromkeys(seeds)) or (config.seed,)
    for seed in chosen:
        replace(config, seed=seed)
    return [
        Candidate(base, method, chosen)
        for base in bases
        for method in (tuple(dict.fromkeys(methods)) or (config.method,))
    ]


def compare(
    request: FinetuneRequest,
    chosen: Sequence[Candidate],
    progress: Progress | None = None,
    *,
    run: Run = finetune_isolated,
) -> Iterator[Row]:
    """Train each candidate as ``request`` says and yield its row when it is done.

    Artifacts go to ``request.output/<encoder>-<method>-<seed>``. A candidate that fails has a row
    with its problem, and the others go on. All are measured on the same held-out rows.

    Raises :class:`ml.errors.DataError` for unusable rows, and :class:`ml.errors.TrainingError` for
    settings that mean nothing for the kind, before anything is trained.
    """
    check_alone("compare")
    check_settings(request.config, request.kind)
    request = with_fixed_split(request)
    for candidate in chosen:
        try:
            yield _measure(request, candidate, progress, run)
        except MLError as error:
            yield Row(candidate, problem=str(error))


def with_fixed_split(request: FinetuneRequest, *, apart: bool = False) -> FinetuneRequest:
    """``request`` with its held-out rows in a file, so that every seed has the same ones.

    Where it has such a file it stays as it is, but with ``apart``: then its training file holds
    none of the texts and groups of the held-out rows, which are lost to who splits it again.
    """
    if request.valid_file is not None and not apart:
        return request
    training, valid = _READERS[request.kind](request)
    folder = request.output / "split"
    write_jsonl(folder / "train.jsonl", (_record(row) for row in training))
    write_jsonl(folder / "valid.jsonl", (_record(row) for row in valid))
    return replace(
        request,
        train_file=folder / "train.jsonl",
        valid_file=folder / "valid.jsonl",
        config=replace(request.config, columns={}),
    )


def _record(row: LabelledText | MultiLabelText | TaggedSentence | PairRow) -> dict[str, Any]:
    """All that a row says, its group among it, so that what is split again keeps groups whole."""
    said = asdict(row)
    del said["row"]
    return {name: value for name, value in said.items() if value not in ("", None)}


def _measure(
    request: FinetuneRequest, candidate: Candidate, progress: Progress | None, run: Run
) -> Row:
    runs = []
    for seed in candidate.seeds:
        name = f"{candidate.name}-{seed}"

        def report(done: int, total: int, message: str, name: str = name) -> None:
            if progress is not None:
                progress(done, total, f"{name} {message}")

        runs.append(run(_of(request, candidate, seed, name), report))
    measures = [one.artifact.metrics for one in runs]
    metric = QUALITY[request.kind]
    if any(metric not in one for one in measures):
        raise TrainingError(f"the runs of {candidate.name} have no {metric}")
    quality = [one[metric] for one in measures]
    errors = [one["ece"] for one in measures if "ece" in one]
    last = runs[-1].artifact
    return Row(
        candidate,
        quality=statistics.fmean(quality),
        spread=statistics.stdev(quality) if len(quality) > 1 else 0.0,
        ece=statistics.fmean(errors) if errors else None,
        parameters=int(last.metrics["trainable_parameters"]),
        size_mb=sum(ref.bytes for ref in last.files.values()) / 1e6,
        minutes=statistics.fmean(one["minutes"] for one in measures),
        peak_memory_mb=max(one.peak_memory_mb for one in runs),
    )


def _of(request: FinetuneRequest, candidate: Candidate, seed: int, name: str) -> FinetuneRequest:
    """One run of a candidate. Measuring needs no second training on all rows, and a share of the
    change is kept where the method has such a share."""
    config = replace(
        request.config,
        encoder=candidate.encoder,
        method=candidate.method,
        seed=seed,
        refit=False,
        strength=request.config.strength if candidate.method in WEAKENED else 1.0,
    )
    return replace(
        request,
        config=config,
        output=request.output / name,
        run_folder=request.run_folder / name,
    )
