from django.urls import path

from analytics import api

app_name = "api-analytics"

urlpatterns = [
    path("events/<slug:slug>/reduction/", api.Reduction.as_view(), name="reduction"),
    path("events/<slug:slug>/timeline/", api.Timeline.as_view(), name="timeline"),
]
