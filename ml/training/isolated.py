"""A fine-tuning run in a process of its own, so that its memory and time are its own.

The child reports its steps and warnings over a pipe. Memory that a run took is given back in full
when it ends, and a run that the system kills (out of memory, say) is an error like any other.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from ml.artifacts import Artifact
from ml.errors import MLError, TrainingError
from ml.training.finetune import finetune
from ml.training.rows import FinetuneRequest
from ml.training.trainer import ProgressCallback


@dataclass(frozen=True, slots=True)
class IsolatedRun:
    """What a run made, and the most memory that its process held, in megabytes."""

    artifact: Artifact
    peak_memory_mb: float


def finetune_isolated(
    request: FinetuneRequest, progress: ProgressCallback | None = None
) -> IsolatedRun:
    """Like :func:`ml.training.finetune.finetune`, in a new process.

    Raises what the run raised (:class:`MLError`), and :class:`TrainingError` when its process
    ended without a word. The child is stopped when ``progress`` raises, as it does to cancel.
    """
    # "spawn": a forked child would share, and be counted with, what this process has loaded.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    told = replace(request, warn=None)  # over the pipe: what is called cannot be sent
    child = context.Process(target=_run, args=(told, sender), daemon=True)
    child.start()
    sender.close()
    try:
        return _follow(receiver, progress, request)
    except EOFError as error:
        child.join()
        raise TrainingError(
            f"the run of {request.name} ended without a result (exit status {child.exitcode})"
        ) from error
    finally:
        receiver.close()
        if child.is_alive():
            child.terminate()
        child.join()


def _follow(
    receiver: Connection, progress: ProgressCallback | None, request: FinetuneRequest
) -> IsolatedRun:
    while True:
        kind, content = receiver.recv()
        if kind == "failed":
            raise content
        if kind == "done":
            run: IsolatedRun = content
            return run
        if kind == "warned":
            if request.warn:
                request.warn(content)
            continue
        if progress is not None:
            progress(*content)


def _run(request: FinetuneRequest, sender: Connection) -> None:
    try:
        request = replace(request, warn=lambda words: sender.send(("warned", words)))
        artifact = finetune(request, lambda *step: sender.send(("step", step)))
    except MLError as error:
        # As its base: an error whose constructor takes other arguments does not survive the pipe.
        sender.send(("failed", TrainingError(str(error))))
    except KeyboardInterrupt:  # which the parent has, too: it tells
        return
    else:
        sender.send(("done", IsolatedRun(artifact, _peak_memory())))


def _peak_memory() -> float:
    """The most memory that this process held, in megabytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
