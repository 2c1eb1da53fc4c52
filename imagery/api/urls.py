from django.urls import path

from imagery.api import (
    collections,
    decisions,
    events,
    files,
    groups,
    imports,
    look_ups,
    pictures,
    posts,
    search,
    token,
    versions,
)

app_name = "api"

COLLECTION = "events/<slug:slug>/collections/<int:collection_id>"
urlpatterns = [
    path("token/", token.TokenEndpoint.as_view(), name="token"),
    path("look-ups/", look_ups.NewLookUp.as_view(), name="look-ups"),
    path("look-ups/<slug:key>/", look_ups.OneLookUp.as_view(), name="look-up"),
    path("events/", events.Events.as_view(), name="events"),
    path("events/<slug:slug>/", events.OneEvent.as_view(), name="event"),
    path("events/<slug:slug>/import/", imports.NewImport.as_view(), name="import"),
    path("events/<slug:slug>/imports/", imports.Imports.as_view(), name="imports"),
    path(
        "events/<slug:slug>/imports/<int:import_id>/",
        imports.OneImport.as_view(),
        name="import-state",
    ),
    path(
        "events/<slug:slug>/imports/<int:import_id>/bad-rows/",
        imports.BadRows.as_view(),
        name="bad-rows",
    ),
    path("events/<slug:slug>/process/", events.Process.as_view(), name="process"),
    path("live-sources/", collections.LiveSources.as_view(), name="live-sources"),
    path("events/<slug:slug>/collections/", collections.Collections.as_view(), name="collections"),
    path(f"{COLLECTION}/", collections.OneCollection.as_view(), name="collection"),
    path(f"{COLLECTION}/start/", collections.Start.as_view(), name="collection-start"),
    path(f"{COLLECTION}/pause/", collections.Pause.as_view(), name="collection-pause"),
    path(f"{COLLECTION}/stop/", collections.Stop.as_view(), name="collection-stop"),
    path(f"{COLLECTION}/minutes/", collections.Minutes.as_view(), name="collection-minutes"),
    path(f"{COLLECTION}/gaps/", collections.Gaps.as_view(), name="collection-gaps"),
    path(
        "events/<slug:slug>/posts/<int:post_id>/readings/",
        collections.Readings.as_view(),
        name="readings",
    ),
    path("events/<slug:slug>/jobs/", events.Jobs.as_view(), name="jobs"),
    path("events/<slug:slug>/urls/", posts.Links.as_view(), name="urls"),
    path("events/<slug:slug>/posts/", posts.Posts.as_view(), name="posts"),
    path("search/", search.Search.as_view(), name="search-all"),
    path("events/<slug:slug>/search/", search.EventSearch.as_view(), name="search"),
    path("events/<slug:slug>/images/", pictures.Images.as_view(), name="images"),
    path("events/<slug:slug>/images/<int:image_id>/", pictures.OneImage.as_view(), name="image"),
    path(
        "events/<slug:slug>/images/<int:image_id>/copies/",
        pictures.Copies.as_view(),
        name="copies",
    ),
    path(
        "events/<slug:slug>/images/<int:image_id>/versions/",
        versions.Versions.as_view(),
        name="versions",
    ),
    path("events/<slug:slug>/groups/", groups.AllGroups.as_view(), name="groups"),
    path("events/<slug:slug>/groups/<int:image_id>/", groups.OneGroup.as_view(), name="group"),
    path("events/<slug:slug>/decisions/", decisions.Decisions.as_view(), name="decisions"),
    path(
        "events/<slug:slug>/decisions/<int:decision_id>/",
        decisions.OneDecision.as_view(),
        name="decision",
    ),
    path("events/<slug:slug>/doubtful/", decisions.Doubtful.as_view(), name="doubtful"),
    path(
        "events/<slug:slug>/thumbs/<slug:sha256>/<int:side>.jpg",
        files.Thumb.as_view(),
        name="thumb",
    ),
    path("events/<slug:slug>/files/<slug:sha256>/", files.File.as_view(), name="file"),
]
