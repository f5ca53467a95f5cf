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
from accelerate.utils import get_int_from_env

from ml.errors import TrainingError

_PLACE = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
_NUMBER = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where launchers say which process this is and of how many: accelerate knows of it once training
begins, and a run has its folder before."""


def is_main_process() -> bool:
    """Whether this process is the one that writes; always so when there is one only."""
    if is_initialized():
        return bool(PartialState().is_main_process)
    return bool(get_int_from_env(_PLACE, 0) == 0)


def wait_for_all() -> None:
    """Return when every process of the run has come this far."""
    if is_initialized():
        PartialState().wait_for_everyone()


def is_alone() -> bool:
    """Whether this process trains by itself."""
    if is_initialized():
        return bool(PartialState().num_processes == 1)
    return bool(get_int_from_env(_NUMBER, 1) == 1)


def check_alone(command: str) -> None:
    """Raise :class:`TrainingError` where several processes were started for what one does."""
    if not is_alone():
        raise TrainingError(f"{command} runs in one process; start it without accelerate")
