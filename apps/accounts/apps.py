from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from django.conf import settings

        from apps.accounts.services import demo_users_load
        from apps.core.demo import register_loader

        if settings.DEMO:
            register_loader("people", demo_users_load)
