"""A trained model on disk: a declared layout, checked in full before any weight is used.

A *trained artifact* is the small thing that is versioned and shipped::

    artifact.json          what it is (this module's ``Artifact``), with a hash of each other file
    adapter.safetensors    the tuned deltas of the encoder (absent for method "head")
    head.safetensors       the task head, and further inputs such as shape embeddings
    MODEL_CARD.md          for people

A *built model* is what serves, made from it by ``ml.export`` under ``var/models``::

    artifact.json          the same declaration, with ``build`` filled in
    model.onnx             the merged, quantised graph
    tables.safetensors     large tables that the graph looks rows up in, if it has any
    tokenizer.json         copied from the encoder

A task that a joint model answers for (:mod:`ml.joint`) is a built model without files of its own.

Only JSON, Markdown, safetensors and ONNX are read; a file of any other type is refused, because
a pickle in a model folder is code that runs when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ml.encoders import file_sha256
from ml.errors import ArtifactError
from ml.types import KINDS, Kind
from ml.wording import Wording

FORMAT = 1
MANIFEST = "artifact.json"
ADAPTER = "adapter.safetensors"
HEAD = "head.safetensors"
MODEL_CARD = "MODEL_CARD.md"
MODEL = "model.onnx"
TABLES = "tables.safetensors"
TOKENIZER = "tokenizer.json"
TRUNK = "trunk"
"""Setting: the joint model whose graph answers for the task (:mod:`ml.joint`)."""
SERVED = "served"
"""Setting: what the served graph reaches on the held-out rows (:mod:`ml.runs.served`)."""
SAFE_SUFFIXES = frozenset({".json", ".md", ".safetensors", ".onnx"})
UNKNOWN = "unknown"
"""The licence of data of which none is stated."""
_BUILT = (MODEL, TABLES, TOKENIZER)
_HEADER_LIMIT = 100_000_000


@dataclass(frozen=True, slots=True)
class EncoderRef:
    """The base encoder that the adapter belongs to, pinned by the hash of its weights."""

    name: str
    sha256: str
    hidden_size: int


@dataclass(frozen=True, slots=True)
class DataSource:
    """One training file: its name, licence, hash, and how many rows of it were used."""

    name: str
    sha256: str
    rows: int
    licence: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class FileRef:
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Build:
    """How a served graph was made and how well it agrees with the model it came from.

    ``agreement`` is the share of probe texts with the same answer, ``max_difference`` the largest
    absolute difference of a probability (of a cosine, for embeddings). ``weight_bits`` are those of
    its 8-bit weights, 7 or 8 (:mod:`ml.processor`): ``None`` of floats, and of builds that are
    older than this field.
    """

    precision: str
    probe_texts: int
    agreement: float
    max_difference: float
    tool: str
    weight_bits: int | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """The declaration in ``artifact.json``.

    ``version`` ends in the first 8 hexadecimal digits of the declaration's own digest, so an
    edited declaration no longer carries its name. ``temperature`` divides the logits before the
    softmax (Guo et al. 2017). ``thresholds`` may hold ``accept`` (least calibrated confidence that
    counts as sure) and ``out_of_scope`` (an out-of-scope score above it is out of scope).
    """

    task: str
    kind: Kind
    version: str
    created_at: str
    encoder: EncoderRef
    method: dict[str, Any]
    labels: tuple[str, ...]
    max_length: int
    pooling: str
    temperature: float
    thresholds: dict[str, float]
    data: tuple[DataSource, ...]
    metrics: dict[str, float]
    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, FileRef] = field(default_factory=dict)
    build: Build | None = None
    format: int = FORMAT


def manifest_digest(artifact: Artifact) -> str:
    """SHA-256 over the declaration without its version, its build and its built files."""
    content = asdict(replace(artifact, version="", build=None))
    content["files"] = {name: ref for name, ref in content["files"].items() if name not in _BUILT}
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def built_bytes(artifact: Artifact) -> int:
    """The size of a built model's files; it declares those that it was made from as well."""
    return sum(ref.bytes for name, ref in artifact.files.items() if name in _BUILT)


def versioned(artifact: Artifact) -> Artifact:
    """The artifact with its version set from its date and its digest: ``20261123-1a2b3c4d``."""
    day = artifact.created_at[:10].replace("-", "")
    return replace(artifact, version=f"{day}-{manifest_digest(artifact)[:8]}")


def write_artifact(folder: Path, artifact: Artifact, *, overwrite: bool = False) -> Artifact:
    """Hash the files in ``folder``, set the version and write ``artifact.json`` last.

    ``folder`` is usually the temporary one that :func:`ml.outputs.staged_folder` yields. For a
    built model (``build`` is set) the version stays that of the trained artifact.

    Returns the artifact as written; raises :class:`ArtifactError` for a file of an unsafe type.
    """
    manifest = folder / MANIFEST
    if manifest.exists() and not overwrite:
        raise ArtifactError(folder, Wording("%(manifest)s exists already", manifest=MANIFEST))
    files = {
        path.name: FileRef(file_sha256(path), path.stat().st_size)
        for path in _listed(folder)
        if path.name != MANIFEST
    }
    if artifact.build is None:
        artifact = versioned(replace(artifact, files=files))
    else:
        artifact = replace(artifact, files=artifact.files | files)
    text = json.dumps(asdict(artifact), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    manifest.write_text(text, encoding="utf-8")
    return artifact


def read_artifact(folder: Path) -> Artifact:
    """Read and check the artifact in ``folder``.

    Refused with :class:`ArtifactError`: a missing or unreadable declaration, an unknown format,
    a declaration that was edited, a declared file that is missing or altered, an undeclared file,
    a file of an unsafe type, a safetensors file with a broken header, what may not be read.
    """
    try:
        return _read(folder)
    except OSError as error:
        path = folder if error.filename is None else Path(error.filename)
        raise ArtifactError(
            path, Wording("cannot be read (%(problem)s)", problem=error.strerror)
        ) from error


def _read(folder: Path) -> Artifact:
    if not folder.is_dir():
        raise ArtifactError(folder, Wording("no such folder"))
    artifact = _parse(folder)
    present = {path.name: path for path in _listed(folder) if path.name != MANIFEST}
    needed = _needed(artifact, folder)
    for name in needed:
        if name not in present:
            raise ArtifactError(folder, Wording("%(name)s is missing", name=name))
    for name, path in present.items():
        if name not in artifact.files:
            raise ArtifactError(
                folder,
                Wording("%(name)s is not declared in %(manifest)s", name=name, manifest=MANIFEST),
            )
        _check_file(path, artifact.files[name])
    return artifact


def read_trained(folder: Path) -> Artifact:
    """As :func:`read_artifact`, of an artifact with the weights that were trained: one that is
    built for serving, which has but a graph, is refused too."""
    artifact = read_artifact(folder)
    if artifact.build is not None:
        raise ArtifactError(
            folder,
            "is built for serving, without the trained weights; those of your own models lie in "
            f"var/artifacts/{artifact.task}",
        )
    return artifact


def _listed(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir())
    for path in paths:
        if not path.is_file() or path.is_symlink():
            raise ArtifactError(folder, Wording("%(name)s is not a plain file", name=path.name))
        if path.suffix not in SAFE_SUFFIXES:
            raise ArtifactError(
                folder,
                Wording(
                    "%(name)s has the type %(type)s, which is not safe to load",
                    name=path.name,
                    type=path.suffix or "none",
                ),
            )
    return paths


def _needed(artifact: Artifact, folder: Path) -> set[str]:
    if artifact.build is not None:
        if TRUNK in artifact.settings:
            return set()
        return {MODEL, TOKENIZER, *({TABLES} & set(artifact.files))}
    declared = set(artifact.files)
    if artifact.kind != "embedding" and HEAD not in declared:
        raise ArtifactError(
            folder,
            Wording("%(head)s is not declared in %(manifest)s", head=HEAD, manifest=MANIFEST),
        )
    return declared


def _parse(folder: Path) -> Artifact:
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(
            folder, Wording("%(manifest)s is missing", manifest=MANIFEST)
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ArtifactError(
            folder, Wording("%(manifest)s is not JSON: %(error)s", manifest=MANIFEST, error=error)
        ) from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise ArtifactError(
            folder,
            Wording("%(manifest)s is not of format %(format)s", manifest=MANIFEST, format=FORMAT),
        )
    try:
        artifact = Artifact(
            **raw
            | {
                "encoder": EncoderRef(**raw["encoder"]),
                "labels": tuple(raw["labels"]),
                "data": tuple(DataSource(**source) for source in raw["data"]),
                "files": {name: FileRef(**ref) for name, ref in raw["files"].items()},
                "build": Build(**raw["build"]) if raw.get("build") else None,
            }
        )
        _check_types(artifact)
        version = versioned(artifact).version
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeEncodeError) as error:
        raise ArtifactError(
            folder,
            Wording(
                "%(manifest)s does not have the declared fields: %(error)s",
                manifest=MANIFEST,
                error=error,
            ),
        ) from error
    if artifact.kind not in (*KINDS, "joint"):
        raise ArtifactError(folder, Wording("unknown kind %(kind)r", kind=artifact.kind))
    if version != artifact.version:
        raise ArtifactError(
            folder,
            Wording(
                "%(manifest)s was altered after version %(version)s",
                manifest=MANIFEST,
                version=artifact.version,
            ),
        )
    return artifact


def _check_types(artifact: Artifact) -> None:
    """Raise ``TypeError`` for a value that is used by its type before anything else looks at it."""
    for name in ("task", "kind", "version", "created_at"):
        if not isinstance(getattr(artifact, name), str):
            raise TypeError(f"{name} is no text")
    for name in ("method", "thresholds", "metrics", "settings"):
        if not isinstance(getattr(artifact, name), dict):
            raise TypeError(f"{name} is no table")
    if artifact.build is not None and not isinstance(artifact.build.precision, str):
        raise TypeError("the build's precision is no text")


def check_size(path: Path, ref: FileRef) -> None:
    """Raise :class:`ArtifactError` for a file that is shorter or longer than it is declared."""
    if path.stat().st_size != ref.bytes:
        raise ArtifactError(
            path,
            Wording(
                "has %(found)s bytes, %(declared)s declared",
                found=path.stat().st_size,
                declared=ref.bytes,
            ),
        )


def _check_file(path: Path, ref: FileRef) -> None:
    check_size(path, ref)
    if file_sha256(path) != ref.sha256:
        raise ArtifactError(path, Wording("was altered: its SHA-256 is not the declared one"))
    if path.suffix == ".safetensors":
        _check_safetensors(path)


def _check_safetensors(path: Path) -> None:
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if not 0 < length <= min(_HEADER_LIMIT, path.stat().st_size - 8):
            raise ArtifactError(path, Wording("is not a safetensors file"))
        try:
            json.loads(handle.read(length))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ArtifactError(path, Wording("is not a safetensors file")) from error
