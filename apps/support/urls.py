from django.urls import path

from apps.support import (
    correction_views,
    customer_views,
    deadline_views,
    flow_views,
    gap_views,
    knowledge_views,
    macro_views,
    promise_views,
    replay_views,
    report_views,
    retention_views,
    team_views,
    views,
    webhook_views,
)

app_name = "support"
urlpatterns = [
    path("", views.console, name="console"),
    path("c/<uuid:conversation_id>/", views.console, name="conversation"),
    path("c/<uuid:conversation_id>/inspector/", views.inspector, name="inspector"),
    path("c/<uuid:conversation_id>/assist/", views.assistance, name="assist"),
    path(
        "c/<uuid:conversation_id>/messages/<int:seq>/matter/",
        correction_views.correction,
        name="correction",
    ),
    *(
        path(f"c/<uuid:conversation_id>/messages/<int:seq>/{name}/", view, name=f"correct-{name}")
        for name, view in (
            ("entities", correction_views.entities),
            ("article", correction_views.article),
            ("tone", correction_views.tone),
        )
    ),
    path("knowledge/", knowledge_views.article_table, name="knowledge"),
    path("knowledge/new/", knowledge_views.article_new, name="article-new"),
    path("knowledge/preview/", knowledge_views.article_preview, name="article-preview"),
    path("knowledge/import/", knowledge_views.article_upload, name="upload"),
    path("knowledge/import/<uuid:upload_id>/", knowledge_views.article_import, name="import"),
    path("knowledge/a/<slug:slug>/", knowledge_views.article_edit, name="article-edit"),
    path("knowledge/a/<slug:slug>/delete/", knowledge_views.article_remove, name="article-delete"),
    path("knowledge/a/<slug:slug>/versions/", knowledge_views.article_versions, name="versions"),
    path(
        "knowledge/a/<slug:slug>/versions/<int:number>/restore/",
        knowledge_views.article_restore,
        name="article-restore",
    ),
    path("macros/", macro_views.macro_table, name="macros"),
    path("macros/<int:macro_id>/", macro_views.macro_edit, name="macro"),
    path("macros/<int:macro_id>/delete/", macro_views.macro_remove, name="macro-delete"),
    path("teams/", team_views.team_table, name="teams"),
    path("teams/<int:team_id>/", team_views.team_edit, name="team"),
    path("teams/<int:team_id>/delete/", team_views.team_remove, name="team-delete"),
    path("teams/operators/<int:operator_id>/", team_views.duty_edit, name="duty"),
    path("hours/", deadline_views.hours, name="hours"),
    path("hours/policies/", deadline_views.policy_add, name="policies"),
    path("hours/policies/<int:policy_id>/", deadline_views.policy_edit, name="policy"),
    path(
        "hours/policies/<int:policy_id>/delete/", deadline_views.policy_remove, name="policy-delete"
    ),
    path("gaps/", gap_views.gap_table, name="gaps"),
    path("gaps/<int:gap_id>/draft/", gap_views.gap_draft, name="gap-draft"),
    path("gaps/<int:gap_id>/dismiss/", gap_views.gap_dismiss, name="gap-dismiss"),
    path("replays/", replay_views.replays, name="replays"),
    path("replays/<uuid:job_id>/", replay_views.replay_page, name="replay"),
    path("reports/", report_views.report, name="reports"),
    path("reports/mail/", report_views.mail, name="report-mail"),
    path("reports/conversations/", report_views.part, name="report-part"),
    path("customers/", customer_views.customer_table, name="customers"),
    path("customers/<uuid:visitor>/", customer_views.customer_page, name="customer"),
    path(
        "customers/<uuid:visitor>/export/", customer_views.customer_export, name="customer-export"
    ),
    path("customers/<uuid:visitor>/erase/", customer_views.customer_erase, name="customer-erase"),
    path("c/<uuid:conversation_id>/merge/", customer_views.conversation_merge, name="merge"),
    path("audit/", customer_views.audit_table, name="audit"),
    path("retention/", retention_views.rules, name="retention"),
    path("retention/<int:rule_id>/", retention_views.rule_edit, name="retention-rule"),
    path("retention/<int:rule_id>/delete/", retention_views.rule_remove, name="retention-delete"),
    path("promises/", promise_views.promises, name="promises"),
    path("promises/topics/", promise_views.groups_make, name="promise-topics"),
    path("promises/<int:group_id>/", promise_views.group_edit, name="promise"),
    path("promises/<int:group_id>/delete/", promise_views.group_remove, name="promise-delete"),
    path("flows/", flow_views.flow_table, name="flows"),
    path("flows/new/", flow_views.flow_edit, name="flow-new"),
    path("flows/f/<slug:name>/", flow_views.flow_page, name="flow"),
    path("flows/f/<slug:name>/edit/", flow_views.flow_edit, name="flow-edit"),
    path("flows/f/<slug:name>/switch/", flow_views.flow_switch, name="flow-switch"),
    path("flows/f/<slug:name>/<int:number>/try/", flow_views.flow_try, name="flow-try"),
    *(
        path(
            f"flows/f/<slug:name>/<int:number>/{action}/",
            flow_views.flow_act,
            {"action": action},
            name=f"flow-{action}",
        )
        for action in ("test", "publish")
    ),
    path("webhooks/", webhook_views.webhook_table, name="webhooks"),
    path("webhooks/log/", webhook_views.log, name="webhook-log"),
    path("webhooks/<int:webhook_id>/", webhook_views.webhook_act, name="webhook"),
    path("webhooks/deliveries/<int:delivery_id>/", webhook_views.resend, name="webhook-resend"),
    path("widget/", views.widget, name="widget"),
    path("help/", views.help_list, name="help"),
    path("help/<slug:slug>/", views.help_article, name="article"),
]
