from django.apps import AppConfig


class RecommendConfig(AppConfig):
    name = "apps.recommend"
    label = "recommend"
    verbose_name = "Discover"

    def ready(self) -> None:
        from datetime import timedelta

        from apps.core import demo, jobs, lifespan
        from apps.core.scheduler import register_periodic
        from apps.modelhub.changeovers import register_changeover
        from apps.modelhub.pair_sources import register_pairs
        from apps.recommend import (
            demo_content,
            evaluation_job,
            graph_build,
            health,
            open_pages,
            player,
            signals,
            tasks,
            warming,
        )
        from apps.recommend.services import catalogue, matches

        signals.connect()
        register_pairs("discover", catalogue.ENCODER, matches.judged)
        register_changeover(catalogue.ENCODER, health.changeover)
        jobs.register_job(tasks.IMPORT_ITEMS, tasks.import_items)
        jobs.register_job(tasks.IMPORT_INTERACTIONS, tasks.import_interactions)
        jobs.register_job(health.REBUILD, health.index_rebuild)
        jobs.register_job(graph_build.BUILD, graph_build.graph_build, queue=jobs.LONG_QUEUE)
        jobs.register_job(evaluation_job.EVALUATE, evaluation_job.evaluate, queue=jobs.LONG_QUEUE)
        register_periodic(
            "refresh-item-vectors", tasks.refresh_vectors, every=timedelta(seconds=20)
        )
        register_periodic("items-clock", tasks.items_follow_clock, every=timedelta(minutes=1))
        register_periodic("follow-graph", tasks.follow_graph, every=timedelta(minutes=1))
        register_periodic("settle-forgotten", tasks.settle_forgotten, every=timedelta(minutes=1))
        register_periodic("fit-behaviour", tasks.fit_behaviour, every=timedelta(minutes=10))
        lifespan.register_service("recommend-popularity", warming.run_popularity)
        lifespan.register_service("recommend-open-pages", open_pages.run_watch)
        demo.register_loader("discover", demo_content.load)
        demo.register_player("discover", player.play)
