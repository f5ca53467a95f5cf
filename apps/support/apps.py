from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "apps.support"
    label = "support"
    verbose_name = "Support"

    def ready(self) -> None:
        from django.conf import settings

        from apps.core import demo, lifespan
        from apps.support.answerer import run_answerer, warm_languages
        from apps.support.knowledge import run_renewal

        lifespan.register_service("support-answerer", run_answerer)
        lifespan.register_service("support-languages", warm_languages)
        lifespan.register_service("support-knowledge", run_renewal)
        if settings.DEMO:
            from apps.support.demo import load_demo, play_customers

            demo.register_loader("support", load_demo)
            demo.register_player("support", play_customers)
