from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from analytics.views import overview
from imagery import urls as imagery
from imagery.views import health, login

# An event's first page reads analytics, which imagery does not know: the two meet here.
event_page = path("e/<slug:slug>/", overview.overview, name="event")

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.prometheus, name="metrics"),
    path("login/", login.PausingLogin.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("admin/", admin.site.urls),
    path("api/", include("config.api_urls")),
    path("", include(([*imagery.urlpatterns, event_page], imagery.app_name))),
    path("", include("analytics.urls")),
]

handler500 = "config.trouble.server_error"
