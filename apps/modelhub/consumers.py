"""The socket of a run's page: ``/ws/models/``."""

from __future__ import annotations

import re

from channels.db import database_sync_to_async
from django.core.exceptions import ValidationError

from apps.core.consumers import StreamConsumer
from apps.core.errors import NotAllowed
from apps.modelhub.models import Run

_RUN = re.compile(r"modelhub\.run\.(\d{1,18})")


class ModelHubConsumer(StreamConsumer):
    """Team leads follow runs, ``modelhub.run.<id>``, and the jobs of runs, ``job.<id>``."""

    async def authorise(self) -> None:
        await super().authorise()
        if not await database_sync_to_async(self.user.has_perm)("modelhub.view_models"):
            raise NotAllowed("The model hub is for team leads and administrators.")

    async def may_follow(self, stream: str) -> bool:
        return await database_sync_to_async(self._is_of_a_run)(stream)

    def _is_of_a_run(self, stream: str) -> bool:
        run = _RUN.fullmatch(stream)
        if run is not None:
            return Run.objects.filter(pk=int(run[1])).exists()
        prefix, _, job_id = stream.partition(".")
        try:
            return prefix == "job" and Run.objects.filter(job_id=job_id).exists()
        except ValidationError:
            return False
