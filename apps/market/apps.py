from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "apps.market"
    label = "market"
    verbose_name = "Market"

    def ready(self) -> None:
        from datetime import timedelta

        from django.db.models.signals import post_migrate

        from apps.core import demo, jobs, lifespan
        from apps.core.scheduler import register_periodic
        from apps.market import (
            demo_content,
            gate,
            meaning_reader,
            player,
            replayer,
            scorer,
            slices,
            tasks,
            text_index,
        )
        from apps.market.services.anomalies import TUNE_JOB
        from apps.market.services.dated_names import RELINK_DATED_JOB
        from apps.market.services.imports import IMPORT_JOB, LARGE_IMPORT_JOB
        from apps.market.services.names import RELINK_JOB
        from apps.modelhub.gate_checks import register_details, register_gate_check

        post_migrate.connect(text_index.make_index, sender=self)
        jobs.register_job(IMPORT_JOB, tasks.import_upload)
        jobs.register_job(tasks.POLL_JOB, tasks.poll_source)
        jobs.register_job(LARGE_IMPORT_JOB, tasks.import_upload, queue=jobs.BULK_QUEUE)
        jobs.register_job(RELINK_JOB, tasks.relink_history, queue=jobs.BULK_QUEUE)
        jobs.register_job(RELINK_DATED_JOB, tasks.relink_dated, queue=jobs.BULK_QUEUE)
        jobs.register_job(TUNE_JOB, tasks.tune_detection)
        for task in gate.TASKS:
            register_gate_check(task, gate.alert_backtest(task))
        register_details(gate.DETAILS, template=gate.TEMPLATE, lines=gate.lines)
        slices.register()
        register_periodic("market-poll-feeds", tasks.poll_feeds, every=timedelta(seconds=30))
        register_periodic("market-sweep-alerts", tasks.sweep_alerts, every=timedelta(seconds=10))
        register_periodic("market-find-unusual", tasks.find_unusual, every=timedelta(seconds=20))
        register_periodic(
            "market-prune-fingerprints", tasks.prune_fingerprints, every=timedelta(hours=12)
        )
        register_periodic("market-prune-meanings", tasks.prune_meanings, every=timedelta(hours=12))
        register_periodic("market-prune-replays", tasks.prune_replays, every=timedelta(hours=12))
        lifespan.register_service("market-scorer", scorer.run_scorer)
        lifespan.register_service("market-reader", meaning_reader.run_reader)
        lifespan.register_service("market-replayer", replayer.run_replayer)
        demo.register_loader("market", demo_content.load)
        demo.register_player("market", player.play)
