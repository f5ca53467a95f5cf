from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "apps.support"
    label = "support"
    verbose_name = "Support"

    def ready(self) -> None:
        from datetime import timedelta
        from functools import partial

        from django.conf import settings

        from apps.core import demo, jobs, lifespan
        from apps.core.scheduler import register_periodic
        from apps.modelhub.changeovers import register_changeover
        from apps.modelhub.gate_checks import register_gate_check
        from apps.modelhub.origins import register_origin
        from apps.modelhub.pair_sources import register_pairs
        from apps.support import demo_ledger, selectors, slices, tasks
        from apps.support.answerer import run_answerer, warm_languages
        from apps.support.cases import run_cases
        from apps.support.gate import articles_hold, conversations_hold
        from apps.support.knowledge import ENCODER_TASKS, changeover, run_renewal
        from apps.support.promises import TASK
        from apps.support.selectors.replays import REPLAY_JOB
        from apps.support.services import article_corrections, replays, uploads

        demo_ledger.register()
        jobs.register_job(REPLAY_JOB, replays.replay)
        register_gate_check(TASK, conversations_hold)
        register_gate_check(article_corrections.ARTICLE, articles_hold)
        for task in ENCODER_TASKS:
            register_changeover(task, partial(changeover, task))
        slices.register()
        register_pairs("support", article_corrections.ARTICLE, article_corrections.judged)
        register_origin("support", key="conversation", seen=selectors.conversations_in_sight)
        jobs.register_job(uploads.IMPORT_JOB, uploads.run_import)
        register_periodic("prune-article-uploads", tasks.prune_uploads, every=timedelta(hours=6))
        register_periodic(
            "wake-conversations", tasks.wake_conversations, every=timedelta(seconds=20)
        )
        register_periodic("review-articles", tasks.review_articles, every=timedelta(hours=1))
        register_periodic("find-gaps", tasks.find_gaps, every=timedelta(minutes=3))
        register_periodic("apply-retention", tasks.apply_retention, every=timedelta(hours=6))
        register_periodic("mail-support-report", tasks.mail_report, every=timedelta(days=7))
        register_periodic(
            "mail-wished-reports", tasks.mail_wished_reports, every=timedelta(minutes=30)
        )
        register_periodic("watch-promises", tasks.watch_promises, every=timedelta(minutes=5))
        register_periodic("send-webhooks", tasks.send_webhooks, every=timedelta(seconds=15))
        register_periodic("prune-webhook-log", tasks.prune_webhook_log, every=timedelta(hours=6))
        register_periodic("watch-desk", tasks.watch_desk, every=timedelta(seconds=20))
        lifespan.register_service("support-answerer", run_answerer)
        lifespan.register_service("support-languages", warm_languages)
        lifespan.register_service("support-knowledge", run_renewal)
        lifespan.register_service("support-cases", run_cases)
        if settings.DEMO:
            from apps.support.demo import load_demo, play_customers

            demo.register_loader("support", load_demo)
            demo.register_player("support", play_customers)
