"""Every error that the language layer raises on purpose.

Each carries a stable ``code``, which the API, the sockets and the command line pass on unchanged.
"""

from __future__ import annotations

from pathlib import Path

from ml.wording import Wording


class MLError(Exception):
    """Base class; ``code`` is stable and machine-readable, the message is for a person."""

    code = "ml_error"

    @property
    def words(self) -> Wording:
        """The message, which can be said in another language where it was put as one that can."""
        told = self.args[0] if self.args else type(self).__name__
        return told if isinstance(told, Wording) else Wording(str(told))


class ArtifactError(MLError):
    """A model artifact is incomplete, altered, of an unknown format or of an unsafe type."""

    code = "artifact_invalid"

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(Wording("%(path)s: %(problem)s", path=path, problem=problem))
        self.path = path
        self.problem = problem


class EncoderNotFound(MLError):
    """No base encoder could be resolved from the given path, package or hub name."""

    code = "encoder_not_found"


class ModelNotFound(MLError):
    """No model is built for the task (or the version) that was asked for."""

    code = "model_not_found"


class DataError(MLError):
    """A row or a file of training, evaluation or import data is unusable.

    ``row`` counts from 1, as an editor shows lines; ``None`` when the whole file is meant.
    """

    code = "data_invalid"

    def __init__(self, source: str | Path, row: int | None, problem: str) -> None:
        self.source = str(source)
        self.row = row
        self.problem = problem
        super().__init__(self.words_at(self.source))

    def words_at(self, name: str) -> Wording:
        """The problem under another name of the source: an upload lies under a path that says
        nothing."""
        if self.row is None:
            return Wording("%(name)s: %(problem)s", name=name, problem=self.problem)
        return Wording(
            "%(name)s, row %(row)s: %(problem)s", name=name, row=self.row, problem=self.problem
        )


class InferenceError(MLError):
    """A batch failed while it was being computed; every request in it receives this."""

    code = "inference_failed"


class Overloaded(MLError):
    """The engine's queue is full; try again later. Raised at once, never after a wait."""

    code = "overloaded"


class DeadlineExceeded(MLError):
    """The request's deadline passed before its batch began."""

    code = "deadline_exceeded"


class EngineClosed(MLError):
    """The engine is shutting down and takes no more requests."""

    code = "engine_closed"


class ExportMismatch(MLError):
    """An exported model does not agree with its source on the probe set."""

    code = "export_mismatch"


class TrainingError(MLError):
    """Training cannot start or continue (one class only, loss not finite, ...)."""

    code = "training_failed"


class LicenceRefused(MLError):
    """Weights cannot be shipped: the licence of what they were trained on is not marked for it."""

    code = "licence_refused"
