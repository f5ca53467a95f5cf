from django.contrib import admin

from apps.core.models import Event, Job


@admin.register(Event)
class EventAdmin(admin.ModelAdmin[Event]):
    list_display = ["stream", "seq", "kind", "created_at"]
    search_fields = ["stream", "kind"]

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(admin.ModelAdmin[Job]):
    list_display = ["title", "kind", "status", "done", "total", "owner", "created_at"]
    list_filter = ["status", "kind"]
