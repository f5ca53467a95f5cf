"""The built models on disk: which tasks there are, which version is active, loading it."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from ml.artifacts import MANIFEST, Artifact, read_artifact
from ml.errors import ArtifactError, MLError, ModelNotFound
from ml.joint import check_no_joint, trunk_of
from ml.processor import check_suits
from ml.runtime import RuntimeSettings, default_settings
from ml.serving.active import ACTIVE, NAME, read_active, remove_leftovers, write_active
from ml.serving.joint import JointPredictor, load_joint
from ml.serving.kept import KeptVersions
from ml.serving.predictors import load_predictor, model_info
from ml.serving.protocol import Predictor, Unit, of_version
from ml.types import ModelInfo
from ml.wording import Wording

logger = logging.getLogger(__name__)

_RETRY_AFTER = 5.0  # seconds until a model that could not be loaded is tried again
_FOLLOWED = 10.0  # seconds for which a call of ``refresh`` promises the next one
_KEPT = 4  # versions in memory beside the active ones

_Signature = tuple[int, int, int]  # of a file: another one once it is replaced


@dataclass(slots=True)
class _Entry:
    """What is in memory for one task; ``predictor`` changes only under ``lock``."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    naming: threading.Lock = field(default_factory=threading.Lock)  # of loads by name
    predictor: Predictor | None = None
    broken: tuple[str, float, MLError] | None = None  # version, when to try again, why


class ModelStore:
    """The built models under ``root`` (``<task>/<version>/`` and ``<task>/active.json``).

    ``active.json`` is looked at with every request, so a promotion by another process is served
    from the next batch on, or, where :meth:`refresh` is called again and again, from when that has
    loaded the version: no batch waits for it then. Each task loads under its own lock: a broken or
    a slow one does not hold up the others. When a newly promoted version cannot be loaded the
    version that was being served stays, and :meth:`problems` says why.

    A name of :func:`ml.serving.protocol.of_version` is served as a task whose active version is
    that one; the last few that were asked for stay in memory.
    """

    def __init__(self, root: Path, *, runtime: RuntimeSettings | None = None) -> None:
        self.root = root
        self._runtime = runtime or default_settings()
        self._entries: dict[str, _Entry] = {}
        self._artifacts: dict[tuple[str, str], tuple[_Signature | None, Artifact]] = {}
        self._active: dict[str, tuple[_Signature, str]] = {}
        self._active_paths: dict[str, str] = {}
        # Not for longer than a task's predictor, which a promotion replaces, needs it.
        self._joint: WeakValueDictionary[tuple[str, str], JointPredictor] = WeakValueDictionary()
        self._named = KeptVersions(_KEPT)
        self._followed_until = 0.0

    def tasks(self, *, built: bool = False) -> list[str]:
        """The tasks that have an active version, or with ``built`` any version, sorted."""
        paths = self.root.glob(f"*/*/{MANIFEST}" if built else f"*/{ACTIVE}")
        found = {path.relative_to(self.root).parts[0] for path in paths}
        return sorted(name for name in found if NAME.fullmatch(name))

    def versions(self, task: str) -> list[str]:
        """The built versions of ``task``, oldest first; raises ``ModelNotFound``."""
        folder = self._folder(task)
        if not folder.is_dir():
            raise ModelNotFound(Wording("no model is built for the task %(task)r", task=task))
        return sorted(
            path.name for path in folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name)
        )

    def active_version(self, task: str) -> str:
        """The version that ``active.json`` names now.

        Raises :class:`ModelNotFound` when the task has none and :class:`ArtifactError` when the
        file is not what it should be.
        """
        name, version = of_version(task)
        if version:
            if not NAME.fullmatch(version) or not (self._folder(name) / version).is_dir():
                raise ModelNotFound(
                    Wording(
                        "the task %(task)r has no version %(version)r", task=name, version=version
                    )
                )
            return version
        # Asked for with each request, so the path is put together once and looked at as a string.
        path = self._active_paths.get(task) or str(self._folder(task) / ACTIVE)
        try:
            signature = _signature(path)
        except OSError as error:
            raise ModelNotFound(
                Wording(
                    "no model is active for the task %(task)r; build_models builds those "
                    "that are shipped, promote makes another one active",
                    task=task,
                )
            ) from error
        known = self._active.get(task)
        if known is None or known[0] != signature:
            known = self._active[task] = (signature, read_active(Path(path)))
            self._active_paths[task] = path
        return known[1]

    def artifact(self, task: str, version: str | None = None) -> Artifact:
        """The checked declaration of ``version`` (the active one, when ``None``), which suits here.

        The files are hashed once; later calls return the same declaration, until the version is
        built anew (an export that is installed lies in the place of the build before).
        """
        version = version or self.active_version(task)
        try:
            # Before the files are read: what replaces them meanwhile is met by the next call.
            signature = _signature(str(self._folder(task) / version / MANIFEST))
        except (OSError, ValueError):  # what is wrong is told when it is read
            signature = None
        known = self._artifacts.get((task, version))
        if known is None or known[0] != signature:
            known = self._artifacts[task, version] = (signature, self._checked(task, version))
        check_suits(known[1], self._folder(task) / version)
        return known[1]

    def info(self, task: str, version: str | None = None) -> ModelInfo:
        """What there is to know of a version (the active one, when ``None``).

        Raises :class:`ArtifactError` for a joint model: it answers for others, and for itself not.
        """
        artifact = self.artifact(task, version)
        check_no_joint(artifact, self._folder(task) / artifact.version)
        return model_info(artifact)

    def infos(self) -> list[ModelInfo]:
        """The active model of each task that can be served, sorted by task."""
        found = []
        for task in self.tasks():
            try:
                found.append(self.info(task))
            except MLError as error:
                logger.error("the task %s cannot be served: %s", task, error)
        return found

    def problems(self) -> dict[str, str]:
        """What is wrong, for each task whose active version cannot be served."""
        found = {}
        for task in self.tasks():
            try:
                version = self.active_version(task)
                self.info(task, version)
            except MLError as error:
                found[task] = str(error)
                continue
            broken = self._entry(task).broken
            if broken is not None and broken[0] == version:
                found[task] = str(broken[2])
        return found

    def activate(self, task: str, version: str) -> None:
        """Make ``version`` the one that is served, here and in every other process.

        The version is checked in full first; raises ``ModelNotFound`` or ``ArtifactError`` and
        leaves the active version as it was. Where the task is served it is loaded before it takes
        over, in the caller's thread, so that no batch waits for that.
        """
        self._artifacts.pop((task, version), None)
        self.info(task, version)
        if self._entry(task).predictor is not None:
            self._prepare(task, version)
        folder = self._folder(task)
        remove_leftovers(folder)
        write_active(folder, version)

    def remove_leftovers(self) -> int:
        """Delete what killed processes left beside the versions; how many files and folders."""
        return sum(remove_leftovers(path) for path in self.root.glob("*/") if path.name[0] != ".")

    def _prepare(self, task: str, version: str) -> None:
        """Have a version in memory that has computed a first text, which takes longer than others.

        One that cannot be loaded is told of when it is to take over.
        """
        try:
            self._load_named(task, version).predict(["A first text."])
        except MLError as error:
            logger.warning("version %s of %s is not ready: %s", version, task, error)

    def refresh(self) -> list[str]:
        """Load the active versions that are not in memory, in the caller's thread; returns their
        tasks.

        Meanwhile the versions before answer. One that cannot be loaded is tried again later.
        """
        self._followed_until = time.monotonic() + _FOLLOWED
        loaded = []
        for task in self.tasks():
            try:
                version = self.active_version(task)
                entry = self._entry(task)
                if self._is_settled(entry, version):
                    continue
                self._prepare(task, version)
                with entry.lock:
                    serving = self._replace(entry, task, version)
            except MLError as error:
                logger.warning("the task %s is not refreshed: %s", task, error)
                continue
            if serving.info.version == version:
                loaded.append(task)
        return loaded

    def _is_settled(self, entry: _Entry, version: str) -> bool:
        """Whether the version is in memory, or was found not to be loadable a moment ago."""
        current = entry.predictor
        if current is not None and current.info.version == version:
            return True
        return self._just_failed(entry, version) is not None

    @staticmethod
    def _just_failed(entry: _Entry, version: str) -> MLError | None:
        """Why the version could not be loaded a moment ago, until it is to be tried again."""
        broken = entry.broken
        if broken is None or broken[0] != version or time.monotonic() >= broken[1]:
            return None
        return broken[2]

    def answering(self, task: str) -> str:
        """The version that answers at this moment: the active one, or, while that is not loaded
        yet or could not be, the one before. Raises as :meth:`active_version`."""
        active = self.active_version(task)
        entry = self._entries.get(task)
        current = entry.predictor if entry is not None else None
        if entry is None or current is None or current.info.version == active:
            return active
        waits = self._is_followed(task, active) or self._just_failed(entry, active)
        return current.info.version if waits else active

    def unit(self, task: str) -> str:
        """The joint model that answers for the task, as ``<name>/<version>``; else the task.

        Before the active version is loaded it is the task.
        """
        active = self.active_version(task)
        if of_version(task)[1]:
            return task
        loaded = self._entry(task).predictor
        if loaded is None or loaded.info.version != active:
            return task
        known = self._artifacts.get((task, active))
        trunk = trunk_of(known[1]) if known else None
        return f"{trunk.name}/{trunk.version}" if trunk else task

    def load(self, unit: str) -> Unit:
        """The joint model ``<name>/<version>``, or the predictor of a task's active version.

        Of a name of ``of_version`` it is the predictor of that version.
        """
        task, named = of_version(unit)
        if named:
            return self._load_named(task, named)
        name, _, version = unit.partition("/")
        return self._load_joint(name, version) if version else self._load_task(name)

    def _load_named(self, task: str, version: str) -> Predictor:
        entry = self._entry(task)
        current = entry.predictor
        if current is not None and current.info.version == version:
            return current
        if known := self._named.get(task, version):
            return known
        with entry.naming:
            known = self._named.get(task, version)  # loaded by another thread meanwhile
            if known is None:
                artifact = self.artifact(task, version)
                known = load_predictor(self._folder(task) / version, artifact, self._runtime)
                self._named.keep(task, known)
            return known

    def _load_joint(self, name: str, version: str) -> JointPredictor:
        known = self._joint.get((name, version))
        if known is None:
            folder = self._folder(name) / version
            known = load_joint(folder, self.artifact(name, version), self._runtime)
            self._joint[name, version] = known
        return known

    def _load_task(self, task: str) -> Predictor:
        """The predictor of the active version.

        While another thread loads a newer version the one in memory is returned. Raises
        :class:`ModelNotFound` or :class:`ArtifactError` when there is none to fall back on.
        """
        version = self.active_version(task)
        entry = self._entry(task)
        current = entry.predictor
        if current is not None and current.info.version == version:
            return current
        if current is not None and self._is_followed(task, version):
            return current
        if not entry.lock.acquire(blocking=current is None):
            assert current is not None
            return current
        try:
            return self._replace(entry, task, version)
        finally:
            entry.lock.release()

    def _is_followed(self, task: str, version: str) -> bool:
        """Whether :meth:`refresh` will load the version, which is not ready yet."""
        followed = time.monotonic() < self._followed_until
        return followed and (task, version) not in self._named

    def _replace(self, entry: _Entry, task: str, version: str) -> Predictor:
        current = entry.predictor
        if current is not None and current.info.version == version:
            return current
        error = self._try_load(entry, task, version)
        if entry.predictor is None:
            assert error is not None
            raise error
        return entry.predictor

    def _try_load(self, entry: _Entry, task: str, version: str) -> MLError | None:
        if error := self._just_failed(entry, version):
            return error
        with entry.naming:  # one that is being loaded by name is waited for
            ready = self._named.take(task, version)
        if ready is not None:
            self._retire(task, entry.predictor)
            entry.predictor, entry.broken = ready, None
            return None
        try:
            # Checked again, since what is loaded now may have changed since it was listed.
            self._artifacts.pop((task, version), None)
            artifact = self.artifact(task, version)
            loaded = load_predictor(self._folder(task) / version, artifact, self._runtime)
        except MLError as error:
            logger.error("version %s of %s cannot be loaded: %s", version, task, error)
            entry.broken = (version, time.monotonic() + _RETRY_AFTER, error)
            return error
        self._retire(task, entry.predictor)
        entry.predictor, entry.broken = loaded, None
        logger.info("serving version %s of %s", version, task)
        return None

    def _retire(self, task: str, before: Predictor | None) -> None:
        """Keep what was served before among the named ones: it may be rolled back to."""
        if before is not None:
            self._named.keep(task, before)

    def _entry(self, task: str) -> _Entry:
        return self._entries.setdefault(task, _Entry())

    def _checked(self, task: str, version: str) -> Artifact:
        folder = self._folder(task) / version
        if not NAME.fullmatch(version) or not folder.is_dir():
            raise ModelNotFound(
                Wording("the task %(task)r has no version %(version)r", task=task, version=version)
            )
        artifact = read_artifact(folder)
        if artifact.build is None:
            raise ArtifactError(
                folder, Wording("is a trained artifact that was not built for serving")
            )
        if (artifact.task, artifact.version) != (task, version):
            raise ArtifactError(
                folder,
                Wording(
                    "declares version %(version)s of the task %(task)r",
                    version=artifact.version,
                    task=artifact.task,
                ),
            )
        if trunk := trunk_of(artifact):
            self.artifact(trunk.name, trunk.version)
        return artifact

    def _folder(self, task: str) -> Path:
        if not NAME.fullmatch(task):
            raise ModelNotFound(Wording("there is no task %(task)r", task=task))
        return self.root / task


def _signature(path: str) -> _Signature:
    status = os.stat(path)  # noqa: PTH116
    return status.st_mtime_ns, status.st_size, status.st_ino
