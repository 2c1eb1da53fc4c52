from django.urls import path, register_converter

from imagery.converters import Sha256Converter
from imagery.views import (
    compare,
    events,
    failures,
    files,
    group,
    groups,
    image,
    imports,
    jobs,
    members,
    palette,
    retrieval,
    rules,
    settings,
)

app_name = "imagery"

register_converter(Sha256Converter, "sha256")

urlpatterns: list = [
    path("", events.events, name="events"),
    path("events/new/", events.new, name="event-new"),
    path("palette/", palette.palette, name="palette"),
    path("retrieval/", retrieval.show, name="retrieval"),
    path("retrieval/<int:run_id>.csv", retrieval.table_csv, name="retrieval-csv"),
    path("e/<slug:slug>/import/", imports.imports, name="import"),
    path("e/<slug:slug>/imports/<int:import_id>/bad-rows", imports.bad_rows, name="bad-rows"),
    path("e/<slug:slug>/process/", jobs.process, name="process"),
    path("e/<slug:slug>/cancel/", jobs.cancel, name="cancel"),
    path("e/<slug:slug>/jobs/", jobs.jobs, name="jobs"),
    path("e/<slug:slug>/progress/", jobs.progress_bar, name="progress"),
    path("e/<slug:slug>/failures/", failures.failures, name="failures"),
    path("e/<slug:slug>/failures/retry/", failures.retry, name="failures-retry"),
    path("e/<slug:slug>/failures.csv", failures.failures_csv, name="failures-csv"),
    path("e/<slug:slug>/rules/", rules.rules, name="rules"),
    path("e/<slug:slug>/rules/matching/", rules.matching, name="rules-matching"),
    path("e/<slug:slug>/rules/apply/", rules.apply, name="rules-apply"),
    path("e/<slug:slug>/rules/<int:rule_id>/remove/", rules.remove, name="rule-remove"),
    path("e/<slug:slug>/settings/", settings.settings, name="settings"),
    path("e/<slug:slug>/delete/", settings.delete, name="event-delete"),
    path("e/<slug:slug>/members/", members.members, name="members"),
    path("e/<slug:slug>/members/<int:member_id>/", members.change, name="member"),
    path("e/<slug:slug>/groups/", groups.show, name="groups"),
    path("e/<slug:slug>/groups/similarity/", groups.keep, name="groups-similarity"),
    path("e/<slug:slug>/groups/<int:unique_id>/", group.show, name="group"),
    path("e/<slug:slug>/groups/<int:unique_id>/members.csv", group.table, name="group-csv"),
    path("e/<slug:slug>/i/<int:pk>/", image.show, name="image"),
    path("e/<slug:slug>/compare/", compare.show, name="compare"),
    path("e/<slug:slug>/compare/difference.jpg", compare.difference, name="compare-difference"),
    path("e/<slug:slug>/i/<int:pk>/posts/", image.posts, name="image-posts"),
    path("e/<slug:slug>/i/<int:pk>/posts.csv", image.posts_csv, name="image-posts-csv"),
    path("e/<slug:slug>/i/<int:pk>/posts.json", image.posts_json, name="image-posts-json"),
    path("e/<slug:slug>/thumb/<sha256:sha256>/<int:side>.jpg", files.thumb, name="thumb"),
    path("e/<slug:slug>/file/<sha256:sha256>/", files.original, name="file"),
]
