from django.contrib.auth.views import LogoutView
from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignInView.as_view(), name="sign-in"),
    path("sign-in/demo/<slug:username>/", views.demo_sign_in, name="demo-sign-in"),
    path("sign-up/", views.sign_up, name="sign-up"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("", views.account, name="account"),
    path("language/", views.language, name="language"),
    path("tokens/<str:digest>/revoke/", views.token_revoke, name="token-revoke"),
]
