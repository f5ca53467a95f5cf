from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from datetime import timedelta

        from django.conf import settings

        from apps.core import lifespan, metrics, tasks
        from apps.core.checkpoints import run_checkpoints
        from apps.core.events import run_broadcasts
        from apps.core.scheduler import register_periodic, run_scheduler
        from apps.core.simulation import run_simulation_supervisor
        from apps.core.tailer import run_tailer

        metrics.register()
        register_periodic(
            "requeue-abandoned-jobs", tasks.requeue_abandoned_jobs, every=timedelta(seconds=15)
        )
        register_periodic("prune-events", tasks.prune_events, every=timedelta(hours=6))
        if settings.DEMO:
            lifespan.register_service("simulation", run_simulation_supervisor)

        lifespan.register_service("event-broadcasts", run_broadcasts)
        lifespan.register_service("event-tailer", run_tailer)
        lifespan.register_service("scheduler", run_scheduler)
        lifespan.register_service("checkpoints", run_checkpoints)
