from django.contrib import admin

from apps.modelhub.models import LabelledExample


@admin.register(LabelledExample)
class LabelledExampleAdmin(admin.ModelAdmin[LabelledExample]):
    list_display = ["task", "new_label", "old_label", "app", "actor", "created_at"]
    list_filter = ["app", "task"]
    search_fields = ["text"]
