"""Several processes that train one model together, as ``accelerate launch`` starts them.

Each reads the same rows, trains on its share of every batch and holds the same weights; one, the
main process, shows progress and writes. A batch is then ``batch_size`` rows for each process.

On GPUs: ``accelerate launch --num_processes N manage.py finetune ...``. On CPUs accelerate starts
one process, whatever ``--cpu --num_processes N`` says, unless told where MPI's hosts are; start N
with ``python -m torch.distributed.run --nproc_per_node N manage.py finetune ...``.
"""

from __future__ import annotations

from accelerate import PartialState
from accelerate.state import is_initialized


def is_main_process() -> bool:
    """Whether this process is the one that writes; always so when there is one only."""
    return bool(PartialState().is_main_process) if is_initialized() else True


def wait_for_all() -> None:
    """Return when every process of the run has come this far."""
    if is_initialized():
        PartialState().wait_for_everyone()


def is_alone() -> bool:
    """Whether this process trains by itself."""
    return PartialState().num_processes == 1 if is_initialized() else True
