from django.urls import include, path

from apps.recommend import forget_views, views

app_name = "recommend"
urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search_page, name="search"),
    path("profile/", views.profile, name="profile"),
    path("profile/export/", forget_views.export, name="export"),
    path("profile/forget/", forget_views.forget, name="forget"),
    path("profile/forgotten/", forget_views.forgotten, name="forgotten"),
    path("profile/forgotten/receipt.json", forget_views.receipt_file, name="receipt"),
    path("", include("apps.recommend.team_urls")),
    path("items/<path:item_id>/stay/", views.stay, name="stay"),
    path("items/<path:item_id>/", views.item, name="item"),
]
