from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.recommend.models import Interaction, Item, Preference, Reader


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin[Item]):
    list_display = ["external_id", "title", "year", "available", "encoder_version", "deleted_at"]
    list_filter = ["available", "encoder_version"]
    search_fields = ["external_id", "title"]
    exclude = ["vector"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        return super().get_queryset(request).defer("vector", "text")

    def has_change_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        return False  # changes go through the services, which keep the index in step

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Item | None = None) -> bool:
        return False


@admin.register(Reader)
class ReaderAdmin(admin.ModelAdmin[Reader]):
    list_display = ["key", "external_id", "user", "simulated", "wish", "created_at"]
    list_filter = ["simulated"]
    search_fields = ["external_id", "user__username"]
    exclude = ["wish_vectors"]


@admin.register(Interaction)
class InteractionAdmin(admin.ModelAdmin[Interaction]):
    list_display = ["reader", "kind", "item", "value", "at", "source"]
    list_filter = ["kind", "source", "reader__simulated"]
    list_select_related = ["reader", "item"]
    raw_id_fields = ["reader", "item"]


@admin.register(Preference)
class PreferenceAdmin(admin.ModelAdmin[Preference]):
    list_display = ["reader", "stance", "subject", "value", "at"]
    list_filter = ["stance", "subject"]
    raw_id_fields = ["reader"]
