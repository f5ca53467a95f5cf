"""The socket on which a page follows background jobs: ``/ws/jobs/``."""

from __future__ import annotations

from channels.db import database_sync_to_async
from django.core.exceptions import ValidationError

from apps.core.consumers import StreamConsumer
from apps.core.models import Job


class JobConsumer(StreamConsumer):
    """Follows ``job.<id>`` streams of jobs that the person may see."""

    async def may_follow(self, stream: str) -> bool:
        prefix, _, job_id = stream.partition(".")
        return prefix == "job" and await database_sync_to_async(self._may_see)(job_id)

    def _may_see(self, job_id: str) -> bool:
        try:
            job = Job.objects.filter(id=job_id).first()
        except ValidationError:
            return False
        return job is not None and bool(self.user.has_perm("core.view_job", job))
