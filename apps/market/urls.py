from django.urls import path

from apps.market import (
    correction_views,
    delivery_views,
    handling_views,
    index_views,
    name_views,
    rule_views,
    source_views,
    views,
)

app_name = "market"
urlpatterns = [
    path("", views.monitor, name="monitor"),
    path("tape/", views.tape_page, name="tape"),
    path("articles/<int:article_id>/", views.article_detail, name="article"),
    path(
        "articles/<int:article_id>/corrections/",
        correction_views.article_corrections,
        name="article-corrections",
    ),
    path("companies/<int:company_id>/", views.company_detail, name="company"),
    path("watchlist/", index_views.watchlist, name="watchlist"),
    path("watchlist/<int:company_id>/remove/", index_views.unwatch, name="unwatch"),
    path("alerts/", views.alert_inbox, name="alerts"),
    path("alerts/acknowledge/", views.alerts_acknowledge, name="alerts-acknowledge"),
    path("silences/", handling_views.silence_page, name="silences"),
    path("silences/<int:silence_id>/end/", handling_views.silence_stop, name="silence-end"),
    path("rules/", rule_views.rule_list, name="rules"),
    path("rules/preview/", rule_views.rule_preview, name="rule-preview"),
    path("rules/<int:rule_id>/", rule_views.rule_edit, name="rule"),
    path("rules/<int:rule_id>/delete/", rule_views.rule_delete, name="rule-delete"),
    path("rules/<int:rule_id>/handling/", handling_views.rule_handling, name="rule-handling"),
    path("delivery/", delivery_views.delivery_page, name="delivery"),
    path("delivery/log/", delivery_views.delivery_log, name="delivery-log"),
    path("delivery/<int:delivery_id>/resend/", delivery_views.resend, name="delivery-resend"),
    path("channels/<int:channel_id>/", delivery_views.channel_act, name="channel"),
    path("names/", name_views.name_list, name="names"),
    path("names/<int:name_id>/merge/", name_views.name_merge, name="name-merge"),
    path("names/<int:name_id>/dismiss/", name_views.dismiss, name="name-dismiss"),
    path("sources/", source_views.source_list, name="sources"),
    path("sources/upload/", source_views.upload, name="upload"),
    path("sources/<int:source_id>/poll/", source_views.source_poll, name="source-poll"),
    path("sources/<int:source_id>/pause/", source_views.source_pause, name="source-pause"),
]
