from django.apps import AppConfig


class ModelHubConfig(AppConfig):
    name = "apps.modelhub"
    label = "modelhub"
    verbose_name = "Model hub"

    def ready(self) -> None:
        from datetime import timedelta

        from apps.core import gateway, jobs
        from apps.core.lifespan import register_service
        from apps.core.scheduler import register_periodic
        from apps.modelhub import checks as checks
        from apps.modelhub import following, monitoring_metrics, tasks, trying, watching
        from apps.modelhub.services import data_reports, runs

        jobs.register_job(runs.RUN_JOB, runs.run_execute, queue=jobs.LONG_QUEUE)
        jobs.register_job(data_reports.REPORT_JOB, data_reports.report_make, queue=jobs.BULK_QUEUE)
        register_periodic("settle-promotions", tasks.settle_promotions, every=timedelta(seconds=15))
        register_periodic("prune-data-uploads", tasks.prune_uploads, every=timedelta(hours=6))
        register_periodic("make-profiles", tasks.make_profiles, every=timedelta(minutes=5))
        register_periodic("make-held-out", tasks.make_held_out, every=timedelta(seconds=30))
        register_periodic("prune-monitoring", tasks.prune_monitoring, every=timedelta(hours=12))
        register_periodic("weekly-report", tasks.mail_weekly_report, every=timedelta(days=7))
        register_periodic("nightly-loops", tasks.step_nightly_loops, every=timedelta(minutes=1))
        gateway.observe(watching.watch.see)
        register_service("promotions", following.follow_promotions)
        register_service("monitoring", watching.store_now_and_then)
        monitoring_metrics.register()
        gateway.route(trying.tryer)
        gateway.observe(trying.tryer.see)
        register_service("trials", trying.carry_out)
