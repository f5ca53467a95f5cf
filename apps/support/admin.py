from django.contrib import admin

from apps.support.models import Article, Conversation


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin[Article]):
    list_display = ["title", "slug", "published", "updated_at"]
    search_fields = ["title", "body"]


@admin.register(Conversation)
class ConversationAdmin(admin.ModelAdmin[Conversation]):
    list_display = ["id", "visitor_name", "state", "assignee", "active_at"]
    list_filter = ["state"]

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False
