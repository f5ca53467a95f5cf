from django.apps import AppConfig


class ModelHubConfig(AppConfig):
    name = "apps.modelhub"
    label = "modelhub"
    verbose_name = "Model hub"
