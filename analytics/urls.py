from django.urls import path

from analytics.views import overview, timeline, top

app_name = "analytics"

urlpatterns: list = [
    path("e/<slug:slug>/timeline/", timeline.timeline, name="timeline"),
    path("e/<slug:slug>/timeline.json", timeline.timeline_json, name="timeline-json"),
    path("e/<slug:slug>/timeline.csv", timeline.timeline_csv, name="timeline-csv"),
    path("e/<slug:slug>/top/", top.top, name="top"),
    path("e/<slug:slug>/top.csv", top.top_csv, name="top-csv"),
    path("e/<slug:slug>/curve.json", overview.curve, name="curve-json"),
]
