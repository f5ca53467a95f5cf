"""Several bases, methods or seeds on one data set: quality against size, time and memory.

What came to its end is noted in the comparison's folder, so that a comparison that was stopped or
killed goes on with the same command, and one with another base, method or seed trains that alone.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from ml.artifacts import read_artifact
from ml.data.multi_label import MultiLabelText
from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, TaggedSentence, write_jsonl
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, DataError, MLError, TrainingError
from ml.outputs import check_output
from ml.training.checkpoints import remove_checkpoints, run_key
from ml.training.config import METHODS, WEAKENED, FinetuneConfig
from ml.training.isolated import IsolatedRun, finetune_isolated
from ml.training.kinds import check_settings
from ml.training.known_data import known_weights
from ml.training.pair_rows import pair_rows
from ml.training.processes import check_alone
from ml.training.rows import (
    FinetuneRequest,
    classification_rows,
    multi_label_rows,
    ner_rows,
)
from ml.training.tracking import replace_text
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

COMPARISON = "comparison.json"
"""The file of a comparison's folder that says of which data and recipe it is, and what is done."""

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
        """Of the folders of its runs: no other base has it, whatever its path reads like."""
        encoder = self.encoder.replace("/", "_")
        if encoder != self.encoder:  # "e/b" and "e_b" would be the same
            encoder += f"-{sha256(self.encoder.encode()).hexdigest()[:8]}"
        return f"{encoder}-{self.method}"


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

    Artifacts go to ``request.output/<encoder>-<method>-<seed>``; those that an earlier comparison
    of the same data and recipe left there are not trained again. A candidate that fails has a row
    with its problem, and the others go on. All are measured on the same held-out rows. Of a run
    that came to its end no checkpoints are left.

    Raises :class:`ml.errors.ArtifactError` for a folder with something else in it,
    :class:`ml.errors.DataError` for one with a comparison of other data or another recipe and for
    unusable rows, and :class:`ml.errors.TrainingError` for settings that mean nothing for the kind,
    before anything is trained.
    """
    check_alone("compare")
    check_settings(request.config, request.kind)
    done = _Done(request)
    request = with_fixed_split(request)
    for candidate in chosen:
        try:
            yield _measure(request, candidate, progress, run, done)
        except MLError as error:
            yield Row(candidate, problem=str(error))


class _Done:
    """The runs that came to their end, by name, in a file of the comparison's folder.

    Each has the key of what shaped it, so that a base that was trained anew meanwhile is tuned
    again.
    """

    def __init__(self, request: FinetuneRequest) -> None:
        self._files, self._kind = request.files, request.kind
        self._file = request.output / COMPARISON
        self._key = run_key(request.config, self._files, self._kind, ())
        self._runs: dict[str, Any] = {}
        if self._file.is_file():
            self._runs = self._read()
        else:
            check_output(request.output)
        request.output.mkdir(parents=True, exist_ok=True)
        self._write()

    def _read(self) -> dict[str, Any]:
        folder = self._file.parent
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            key, runs = content["key"], dict(content["runs"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(self._file, None, "cannot be read; name a new folder") from error
        if runs and key != self._key:
            raise DataError(folder, None, "holds a comparison of other data or another recipe")
        return runs

    def _write(self) -> None:
        content = {"key": self._key, "runs": self._runs}
        replace_text(self._file, json.dumps(content, indent=2) + "\n")

    def of(self, request: FinetuneRequest) -> IsolatedRun | None:
        """The run that ``request`` asks for, if it came to its end."""
        known = self._runs.get(request.output.name)
        if known is None or known["key"] != self._key_of(request):
            return None
        try:
            return IsolatedRun(read_artifact(request.output), float(known["peak_memory_mb"]))
        except ArtifactError:
            return None  # it was taken away

    def note(self, request: FinetuneRequest, run: IsolatedRun) -> IsolatedRun:
        """``run``, which came to its end."""
        self._runs[request.output.name] = {
            "key": self._key_of(request),
            "peak_memory_mb": run.peak_memory_mb,
        }
        self._write()
        return run

    def _key_of(self, request: FinetuneRequest) -> str:
        config = replace(request.config, columns={})
        return run_key(config, self._files, self._kind, known_weights(config))


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
    request: FinetuneRequest,
    candidate: Candidate,
    progress: Progress | None,
    run: Run,
    done: _Done,
) -> Row:
    runs = []
    for seed in candidate.seeds:
        name = f"{candidate.name}-{seed}"

        def report(done: int, total: int, message: str, name: str = name) -> None:
            if progress is not None:
                progress(done, total, f"{name} {message}")

        asked = _of(request, candidate, seed, name)
        if (ended := done.of(asked)) is None:
            ended = done.note(asked, run(asked, report))
            remove_checkpoints(asked.run_folder)
        runs.append(ended)
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
