from django.contrib import admin
from django.http import HttpRequest

from apps.market.models import (
    Alert,
    Article,
    Company,
    Delivery,
    Rule,
    Score,
    Silence,
    Source,
    UnlinkedName,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    """For looking: changes go through the services, which keep events and scores in step."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin[Company]):
    list_display = ["ticker", "name", "exchange", "sector", "country", "rank", "active"]
    list_filter = ["rank", "active", "exchange", "sector"]
    search_fields = ["ticker", "name", "aliases"]


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "state", "error_code", "polled_at", "next_poll_at"]
    list_filter = ["kind", "state"]
    search_fields = ["name", "url"]


@admin.register(Article)
class ArticleAdmin(ReadOnlyAdmin):
    list_display = ["title", "source", "published_at", "status", "correction", "revision", "live"]
    list_filter = ["status", "correction", "live"]
    list_select_related = ["source"]
    search_fields = ["title", "url"]


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    list_display = ["article", "company", "label", "confident", "topic", "risk", "published_at"]
    list_filter = ["label", "confident", "topic"]
    list_select_related = ["article", "company"]


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "company", "sentiment", "threshold", "topic", "enabled"]
    list_select_related = ["owner", "company"]


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ["rule_name", "owner", "article", "company", "label", "state", "created_at"]
    list_filter = ["state", "label"]
    list_select_related = ["owner", "article", "company"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["key", "owner", "channel_name", "kind", "state", "attempts", "due_at", "error"]
    list_filter = ["state", "kind"]
    list_select_related = ["owner"]


@admin.register(Silence)
class SilenceAdmin(ReadOnlyAdmin):
    list_display = ["about", "owner", "kind", "reason", "starts_at", "ends_at", "ended_early"]
    list_filter = ["kind"]
    list_select_related = ["owner", "rule", "company"]


@admin.register(UnlinkedName)
class UnlinkedNameAdmin(ReadOnlyAdmin):
    list_display = ["name", "seen", "state", "company", "decided_by", "last_seen_at"]
    list_filter = ["state"]
    list_select_related = ["company", "decided_by"]
    search_fields = ["name"]
