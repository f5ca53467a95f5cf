"""The HTTP API: who may ask, how often, how it is described, what is uploaded and fetched."""

from __future__ import annotations

from config.settings.environment import ENVIRONMENT

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.CursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "apps.core.schema.SuiteSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "1200/min"},
    "EXCEPTION_HANDLER": "apps.core.api.problem_response",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
}
REST_KNOX = {"TOKEN_TTL": None, "AUTO_REFRESH": False}
SPECTACULAR_SETTINGS = {
    "TITLE": "Trefoil",
    "DESCRIPTION": "Support, Market and Discover on one language layer.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Choices that fields of one name, or of several, share.
    "ENUM_NAME_OVERRIDES": {
        "SentimentEnum": ["positive", "neutral", "negative"],
        "RecommendRuleActionEnum": "apps.recommend.rule_models.BusinessRule.Action",
        "MarketArticleStatusEnum": "apps.market.models.Article.Status",
        "MarketDatedNameKindEnum": "apps.market.name_models.DatedName.Kind",
        "ModelhubDataKindEnum": "apps.modelhub.models.DataKind",
        "ModelhubTaskKindEnum": "apps.modelhub.labelling_models.LabelQueue.Kind",
        "ModelhubTrialKindEnum": "apps.modelhub.trial_models.Trial.Kind",
        "DeliveryStateEnum": "apps.core.delivery_models.OutgoingState",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_MAX_BYTES = 64 * 1024 * 1024
# Hosts ("host" or "host:port") that are fetched though their address is not public.
FETCH_ALLOWED_HOSTS: list[str] = ENVIRONMENT.fetch_allowed_hosts
# What links in e-mails and webhooks begin with.
SITE_URL = ENVIRONMENT.site_url
# Addresses ("desk@example.com") and domains ("@example.com") that alerts may be mailed to, beside
# each analyst's own.
ALERT_ADDRESSES: list[str] = ENVIRONMENT.alert_addresses
