"""Folders as the Hugging Face ``datasets`` library has them.

A folder is what ``Dataset.save_to_disk`` writes, or ``DatasetDict.save_to_disk`` (a folder of such
for each split), or holds Parquet files as a data set's repository does
(``data/train-00000-of-00002.parquet``); such a file may be named alone. Of a folder with several
splits one is named by ``FOLDER/SPLIT``. Numbers of a ``ClassLabel`` become the names that it has
for them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.data.columns import Wanted
from ml.data.record_files import Report
from ml.encoders import file_sha256
from ml.errors import DataError
from ml.wording import Wording

if TYPE_CHECKING:
    import pyarrow

_PARQUET = ".parquet"
_STATE, _SPLITS, _INFO = "state.json", "dataset_dict.json", "dataset_info.json"
_SHARD = re.compile(r"(?:^|[-_.])\d+(?:[-_]of[-_]\d+(?:-[0-9a-f]+)?)?$")
"""What a shard's name has behind that of its split; the Hub long added a hash."""
_TRAINING, _VALIDATION = ("train", "training"), ("validation", "valid", "val", "dev")
_ALIASES = {"tags": "ner_tags"}
"""What columns are called in public data sets if not as here."""


def is_dataset(path: Path) -> bool:
    """Whether the path names a folder of data, a split of one, or a Parquet file."""
    alone = path.suffix == _PARQUET and path.is_file()
    return path.is_dir() or alone or path.name in _parquet(path.parent)


def training_splits(train: Path, valid: Path | None) -> tuple[Path, Path | None]:
    """What to train on and to measure by where either may be a folder with several splits.

    The split for training is taken, and of ``valid``, or without it of ``train``, the one for
    validation, if there is one. Raises :class:`DataError` for a folder of several splits of which
    none is for training, or in ``valid`` for validation.
    """
    if valid is not None:
        valid = _split(valid, _VALIDATION)
    splits = _splits(train) if train.is_dir() else {}
    if splits and valid is None:
        valid = next((train / name for name in _VALIDATION if name in splits), None)
    return _split(train, _TRAINING), valid


def _split(path: Path, names: tuple[str, ...]) -> Path:
    """The first split of these names in a folder with several; the path itself otherwise."""
    splits = _splits(path) if path.is_dir() else {}
    if not splits:
        return path
    found = [path / name for name in names if name in splits]
    if not found:
        raise DataError(path, None, f"has no split {names[0]!r} but {', '.join(splits)}")
    return found[0]


def data_files(path: Path) -> list[Path]:
    """The files that hold the rows: the path itself if it is a file.

    Raises :class:`DataError` for a folder without data, or with several splits.
    """
    if not is_dataset(path) or path.is_file():
        return [path]
    if (path / _STATE).is_file():
        state = _json(path / _STATE)
        if state.get("_indices_files") or state.get("_indices_data_files"):
            raise DataError(path, None, "is a selection of rows; call flatten_indices() first")
        return [path / name for name in _listed(path, state)]
    splits = _splits(path) if path.is_dir() else {}
    if splits:
        asked = f"{path}/{next(iter(splits))}"
        raise DataError(path, None, f"has the splits {', '.join(splits)}; name one, as {asked}")
    alone = list(_parquet(path).values())
    if files := _parquet(path.parent).get(path.name) or (alone[0] if alone else None):
        return files
    raise DataError(
        path, None, "is no data set: it has neither state.json, dataset_dict.json nor Parquet files"
    )


def data_sha256(path: Path) -> str:
    """The SHA-256 of a data file; of a folder's split, that of its files' names and SHA-256s."""
    if not is_dataset(path) or path.is_file():
        return file_sha256(path)
    lines = [f"{file.name} {file_sha256(file)}\n" for file in data_files(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def data_name(path: Path) -> str:
    """What a data file is called; of a split, with its folder."""
    in_folder = (path.parent / _SPLITS).is_file() or path.name in _parquet(path.parent)
    return f"{path.parent.name}/{path.name}" if in_folder else path.name


def dataset_records(
    path: Path, wanted: Wanted, report: Report
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a folder's split as objects that have all columns that are ``wanted``, with
    numbers from 1.

    A row whose label has no name is told to ``report``. Raises :class:`DataError` for a folder
    that cannot be read or lacks a column.
    """
    number = 0
    for file in data_files(path):
        for batch in _batches(file):
            named = _columns(path, batch.schema.names, wanted)
            labels = _class_names(path, batch.schema)
            for row in batch.to_pylist():
                number += 1
                try:
                    record = {
                        name: _named(path, number, name, row[stored], labels.get(stored))
                        for name, stored in named.items()
                    }
                except DataError as error:
                    report(error)
                else:
                    yield number, record


def _listed(folder: Path, state: dict[str, Any]) -> list[str]:
    """The names of the files that a split's state lists, all of them in its folder."""
    try:
        names = [file["filename"] for file in state["_data_files"]]
        good = all(Path(name).name == name for name in names)
    except (KeyError, TypeError):
        good = False
    if not good:
        raise DataError(folder / _STATE, None, "lists no files of the rows ('_data_files')")
    return names


def _splits(folder: Path) -> dict[str, Path]:
    """Where each of a folder's splits is; empty if it has but one."""
    if (folder / _SPLITS).is_file():
        names = _json(folder / _SPLITS).get("splits")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(folder / _SPLITS, None, "lists no splits")
        return {name: folder / name for name in names}
    named = _parquet(folder)
    return {name: folder / name for name in named} if len(named) > 1 else {}


def _parquet(folder: Path) -> dict[str, list[Path]]:
    """A folder's Parquet files by the split that their names tell."""
    if not folder.is_dir():
        return {}
    found: dict[str, list[Path]] = {}
    for place in (folder, folder / "data"):
        for file in sorted(place.glob("*.parquet")):
            found.setdefault(_SHARD.sub("", file.stem), []).append(file)
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(path, None, f"is not JSON ({error})") from error
    return content if isinstance(content, dict) else {}


def _batches(file: Path) -> Iterator[pyarrow.RecordBatch]:
    """The rows of an Arrow or Parquet file, in batches whose offsets and letters were checked:
    an altered file would have texts read from beyond its end."""
    import pyarrow
    from pyarrow import ipc, parquet

    if not file.is_file():
        raise DataError(file, None, "is missing")
    try:
        if file.suffix == _PARQUET:
            for batch in parquet.ParquetFile(file).iter_batches():
                batch.validate(full=True)
                yield batch
            return
        with pyarrow.memory_map(str(file)) as source, ipc.open_stream(source) as reader:
            for batch in reader:
                batch.validate(full=True)
                yield batch
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(file, None, f"cannot be read ({error})") from error


def _columns(path: Path, stored: list[str], wanted: Wanted) -> dict[str, str]:
    """The stored column of each name; all that are stored, and what is asked for by its alias."""
    named = {name: name for name in stored}
    asked = (*wanted.stored, *wanted.optional)
    for name in asked:
        if name not in named and _ALIASES.get(name) in stored:
            named[name] = _ALIASES[name]
    missing = [name for name in asked if name not in named]
    if missing:
        lacked = Wording(
            "lacks the column %(columns)s (it has %(known)s)",
            columns=", ".join(missing),
            known=", ".join(stored),
        )
        raise DataError(path, None, wanted.advised(lacked, missing))
    return named


def _class_names(path: Path, schema: pyarrow.Schema) -> dict[str, list[str]]:
    """The names of the numbers in a column, for the columns that have such."""
    features: Any = {}
    with suppress(KeyError, TypeError, json.JSONDecodeError):
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    if not features and (path / _INFO).is_file():
        features = _json(path / _INFO).get("features")
    found = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        while isinstance(feature, list | dict) and "names" not in feature:
            feature = feature[0] if isinstance(feature, list) and feature else _inner(feature)
        if isinstance(feature, dict) and isinstance(feature["names"], list):
            found[column] = [str(name) for name in feature["names"]]
    return found


def _inner(feature: Any) -> Any:
    """What a feature that is a list is a list of; ``None`` for what is no list."""
    return feature.get("feature") if isinstance(feature, dict) else None


def _named(path: Path, row: int, column: str, value: Any, names: list[str] | None) -> Any:
    """The value with the names of its numbers."""
    if names is None or value is None:
        return value
    if isinstance(value, list):
        return [_named(path, row, column, one, names) for one in value]
    if not isinstance(value, int):
        return value
    if not 0 <= value < len(names):
        raise DataError(path, row, f"{column!r} is {value}, which has no name")
    return names[value]
