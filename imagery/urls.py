from django.urls import path

from imagery.views import events, jobs, overview, palette

app_name = "imagery"

urlpatterns: list = [
    path("", events.events, name="events"),
    path("palette/", palette.palette, name="palette"),
    path("e/<slug:slug>/", overview.overview, name="event"),
    path("e/<slug:slug>/progress/", jobs.progress_bar, name="progress"),
]
