from django.apps import AppConfig


class ModelHubConfig(AppConfig):
    name = "apps.modelhub"
    label = "modelhub"
    verbose_name = "Model hub"

    def ready(self) -> None:
        from datetime import timedelta

        from apps.core import jobs
        from apps.core.scheduler import register_periodic
        from apps.modelhub import tasks
        from apps.modelhub.services import runs

        jobs.register_job(runs.RUN_JOB, runs.run_execute, queue=jobs.LONG_QUEUE)
        register_periodic("settle-promotions", tasks.settle_promotions, every=timedelta(seconds=15))
        register_periodic("prune-data-uploads", tasks.prune_uploads, every=timedelta(hours=6))
