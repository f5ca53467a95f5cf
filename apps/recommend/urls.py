from django.urls import include, path

from apps.recommend import views

app_name = "recommend"
urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search_page, name="search"),
    path("profile/", views.profile, name="profile"),
    path("profile/forget/", views.forget, name="forget"),
    path("", include("apps.recommend.team_urls")),
    path("items/<path:item_id>/", views.item, name="item"),
]
