import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from imagery import fetch, following, groups, ingest, look, pictures, pipeline, rollup, snapshots
from imagery.models import Event, Image, Import, Job, Link, Post, Snapshot, Stage, UniqueImage
from tests.pictures import jpeg, photo, smaller

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2017, 9, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, settings, tmp_path):
    """No weights and no network: the classic descriptors, found out without waiting."""
    from imagery.core import backbones

    def missing(*args, **kwargs):
        raise backbones.WeightsMissing("no weights in this test")

    monkeypatch.setattr(backbones, "load", missing)
    look.backbone.cache_clear()
    yield
    look.backbone.cache_clear()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three pictures in several versions, one file twice, one that is no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        picture = photo(seed)
        (folder / f"{seed}-a.jpg").write_bytes(jpeg(picture))
        (folder / f"{seed}-b.jpg").write_bytes(jpeg(smaller(picture), 60))
    (folder / "0-again.jpg").write_bytes((folder / "0-a.jpg").read_bytes())
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html><p>gone")
    (folder / "cut.jpg").write_bytes((folder / "1-a.jpg").read_bytes()[:300])
    return folder


def _posts(folder: Path) -> list[dict]:
    names = sorted(path.name for path in folder.iterdir())
    names += ["missing.jpg", "0-a.jpg", "0-b.jpg", "1-a.jpg"]
    return [
        {
            "platform": "twitter",
            "id": str(i),
            "posted_at": (START + timedelta(minutes=7 * i)).isoformat(),
            "account": {"id": f"u{i % 4}", "handle": f"u{i % 4}"},
            "text": f"post {i} #storm",
            "hashtags": ["storm"],
            "images": [
                {"url": f"https://demo.invalid/{name}", "file": name, "alt": f"Shot {name[0]}"}
            ],
        }
        for i, name in enumerate(names)
    ]


def _bring(event: Event, folder: Path, posts: list[dict], name: str = "posts.ndjson") -> Import:
    path = folder.parent / name
    path.write_text("\n".join(json.dumps(post) for post in posts))
    row = ingest.accept_path(event, path, images=folder)
    return pipeline.import_and_process(row.pk)


def _sets(event: Event) -> set[frozenset[str]]:
    sets: dict[int, set[str]] = {}
    for unique, sha in event.images.exclude(unique=None).values_list("unique_id", "sha256"):
        sets.setdefault(unique, set()).add(sha)
    return {frozenset(members) for members in sets.values()}


def _rows(event: Event) -> dict[str, list]:
    leave = {"looked_at", "created_at", "fetched_at"}
    models = (Post, Link, Image, UniqueImage)
    return {
        model.__name__: [
            {k: v for k, v in row.items() if k not in leave}
            for row in model.objects.filter(event=event).order_by("pk").values()
        ]
        for model in models
    }


def test_from_posts_to_groups(event, files):
    posts = _posts(files)
    row = _bring(event, files, posts)
    event.refresh_from_db()
    assert row.n_new == len(posts)
    assert (event.n_posts, event.n_image_posts) == (len(posts), len(posts))
    assert event.n_links == len(list(files.iterdir())) + 1
    assert event.n_images == 6  # 0-again is 0-a; page and cut are refused
    assert event.n_unique == 3
    assert len(_sets(event)) == 3
    assert event.n_failed_links == 3
    stages = list(event.jobs.order_by("pk").values_list("stage", "state"))
    assert stages == [(stage, "done") for stage in pipeline.ORDER]


def test_every_refusal_has_its_reason(event, files):
    _bring(event, files, _posts(files))
    reasons = {link.file: (link.kind, link.reason) for link in event.links.failed()}
    assert reasons["page.jpg"][0] == "not_a_picture"
    assert "<!DOCTYPE" in reasons["page.jpg"][1]
    assert reasons["missing.jpg"] == (
        "missing_file",
        "missing.jpg: no such file in the import's folder",
    )
    assert reasons["cut.jpg"][0] == "refused"


def test_counts_trace_to_rows(event, files):
    _bring(event, files, _posts(files))
    first = event.unique_images.get(rank=1)
    shown = Post.objects.filter(links__image__unique=first).distinct()
    assert first.n_posts == shown.count() == 5  # 0-a, 0-again, 0-b, and two more
    assert first.n_copies == 2
    assert first.n_links == 3
    assert first.n_accounts == shown.values("account").distinct().count()
    assert first.first_posted_at == min(post.posted_at for post in shown)
    assert first.hashtags == [["storm", 5]]
    assert first.described == "Shot 0"
    assert pictures.cards(event, [first.pk])[0].alt == "Shot 0, 5 posts"
    timeline = snapshots.read(event, Snapshot.Kind.TIMELINE)
    assert timeline["n"][timeline["unique"] == first.pk].sum() == 5
    assert timeline["post_n"].sum() == event.posts.count()


def test_notes_name_no_folder_of_the_server(event, monkeypatch, settings, caplog):
    from imagery.core import backbones

    where = settings.IMAGERY_WEIGHTS_DIR / "mobilenet_v2.pth"

    def missing(*args, **kwargs):
        raise backbones.WeightsMissing(f"Looked for: {where} (no such file).")

    monkeypatch.setattr(backbones, "load", missing)
    look.choose_embedder(event)
    assert event.embedder_note == "Looked for: mobilenet_v2.pth (no such file)."
    assert str(where) in caplog.text  # whoever runs the server reads it in the log
    caplog.clear()
    look.choose_embedder(event)
    assert not caplog.text


def test_no_weights_are_told_and_groups_are_there(event, files):
    _bring(event, files, _posts(files))
    event.refresh_from_db()
    assert event.descriptor == "classic"
    assert "no weights in this test" in event.embedder_note
    assert sorted(groups.at(event, 0.8).members) == sorted(
        event.unique_images.values_list("pk", flat=True)
    )


def test_processing_twice_changes_nothing(event, files):
    _bring(event, files, _posts(files))
    before = _rows(event)
    pipeline.start(event.pk)
    assert _rows(event) == before


def test_order_of_arrival_does_not_matter(event, files):
    posts = _posts(files)
    _bring(event, files, posts)
    other = Event.objects.create(slug="shuffled", name="Shuffled")
    random.Random(3).shuffle(posts)
    for n, begin in enumerate(range(0, len(posts), 3)):
        _bring(other, files, posts[begin : begin + 3], f"part-{n}.ndjson")
    assert _sets(other) == _sets(event)
    leads = [
        set(e.unique_images.values_list("representative__sha256", "rank", "n_posts"))
        for e in (event, other)
    ]
    assert leads[0] == leads[1]


def test_new_posts_look_at_nothing_old(event, files, monkeypatch):
    posts = _posts(files)
    _bring(event, files, posts[:-4])
    (files / "new.jpg").write_bytes(jpeg(photo(77)))
    new = {"url": "https://demo.invalid/n", "file": "new.jpg"}
    extra = posts[0] | {"id": "new", "images": [new]}
    fetched: list[str] = []
    seen: list[str] = []
    get, see = fetch._get, look._see
    monkeypatch.setattr(fetch, "_get", lambda link: fetched.append(link.file) or get(link))
    monkeypatch.setattr(look, "_see", lambda one, net: seen.append(one.sha256) or see(one, net))
    _bring(event, files, [*posts, extra], "more.ndjson")
    assert "new.jpg" in fetched
    assert not {"0-a.jpg", "1-b.jpg"} & set(fetched)
    assert len(seen) == 1


def test_posts_set_aside_by_rules_leave_the_sets(event, files):
    from imagery import rules
    from imagery.models import Rule

    _bring(event, files, _posts(files))
    Rule.objects.create(event=event, kind="before", value="2017-09-20T12:15:00Z")
    rules.apply(event)
    pipeline.start(event.pk)
    event.refresh_from_db()
    assert event.n_posts == 3
    assert event.n_unique == 1
    event.rules.all().delete()
    rules.apply(event)
    pipeline.start(event.pk)
    event.refresh_from_db()
    assert event.n_unique == 3


def test_failed_links_are_tried_again(event, files):
    _bring(event, files, _posts(files))
    (files / "missing.jpg").write_bytes(jpeg(photo(50)))
    (files / "cut.jpg").write_bytes(jpeg(photo(51)))
    assert pipeline.retry(event.pk, kind="missing_file") == 1
    event.refresh_from_db()
    assert event.n_unique == 4
    assert pipeline.retry(event.pk) == 2
    event.refresh_from_db()
    assert (event.n_unique, event.n_failed_links) == (5, 1)


def test_one_pass_at_a_time_and_another_follows(event):
    job = Job.objects.create(event=event, stage=Stage.LOOK, state="running", beat_at=timezone.now())
    assert pipeline.start(event.pk) == job
    job.refresh_from_db()
    assert job.again
    pipeline.run(job.pk, job.round)
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").count() == 2


def test_a_silent_job_is_taken_up_and_a_living_one_left(event):
    silent = timezone.now() - timedelta(seconds=pipeline.SILENT_S + 5)
    job = Job.objects.create(event=event, stage=Stage.FETCH, state="running", beat_at=silent)
    assert pipeline.resume() == 1
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").exists()
    job.refresh_from_db()
    assert job.state == "done"
    Job.objects.create(event=event, stage=Stage.FETCH, state="running", beat_at=timezone.now())
    assert pipeline.resume() == 0


def test_jobs_that_ended_long_ago_are_forgotten_the_latest_aside(event, monkeypatch):
    monkeypatch.setattr(pipeline, "REMEMBERED", 2)
    long_ago = timezone.now() - timedelta(days=15)
    made = [
        Job.objects.create(event=event, stage=Stage.FETCH, state=state, finished_at=at)
        for state, at in [
            ("done", long_ago),
            ("failed", long_ago),
            ("done", timezone.now()),
            ("done", long_ago),
            ("cancelled", long_ago),
        ]
    ]
    assert pipeline.forget_jobs() == 2
    assert set(event.jobs.all()) == set(made[2:])
    assert pipeline.forget_jobs() == 0


def test_a_clock_set_back_leaves_no_job_alive_for_hours(event):
    ahead = timezone.now() + timedelta(hours=2)
    Job.objects.create(event=event, stage=Stage.FETCH, state="running", beat_at=ahead)
    Event.objects.update(locked_by="the dead", locked_until=ahead)
    assert pipeline.resume() == 1
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").exists()


def test_an_import_that_died_is_read_again(event, files):
    path = files.parent / "posts.ndjson"
    path.write_text("\n".join(json.dumps(post) for post in _posts(files)))
    row = ingest.accept_path(event, path, images=files)
    Import.objects.filter(pk=row.pk).update(
        state="running", updated_at=timezone.now() - timedelta(minutes=5), n_read=3
    )
    pipeline.resume()
    row.refresh_from_db()
    assert (row.state, row.n_read) == ("done", len(_posts(files)))


def test_messages_of_earlier_rounds_are_void(event, files):
    job = Job.objects.create(event=event, stage=Stage.FETCH, round=5)
    pipeline.run(job.pk, 4)
    pipeline.run_chunk(job.pk, 4, [1, 2, 3])
    job.refresh_from_db()
    assert (job.state, job.n_done) == ("queued", 0)


def test_cancel_stops_the_pass(event):
    job = Job.objects.create(event=event, stage=Stage.FETCH, round=1)
    assert pipeline.cancel(event.pk) == 1
    pipeline.run(job.pk, 1)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert event.jobs.count() == 1


def test_a_stage_that_breaks_says_so_on_its_row(event, monkeypatch):
    def broken(event):
        raise RuntimeError("disk full")

    monkeypatch.setattr(pipeline.grouping, "run", broken)
    with pytest.raises(RuntimeError):
        pipeline.start(event.pk)
    job = event.jobs.get(stage=Stage.GROUP)
    assert (job.state, job.message) == ("failed", "RuntimeError: disk full")
    monkeypatch.undo()
    pipeline.start(event.pk)
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").exists()


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("database is locked"),
        InterfaceError("the connection is closed"),
        BrokerError("connection refused"),
    ],
)
def test_what_is_out_of_reach_leaves_the_job_to_be_taken_up(event, monkeypatch, error):
    def out_of_reach(event):
        raise error

    monkeypatch.setattr(pipeline.grouping, "run", out_of_reach)
    pipeline.start(event.pk)
    assert event.jobs.get(stage=Stage.GROUP).state == "running"
    monkeypatch.undo()
    assert pipeline.resume_all() == 1
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").exists()


def test_an_event_deleted_meanwhile_is_no_failure(event, monkeypatch):
    def gone(event):
        Event.objects.filter(pk=event.pk).delete()
        raise Event.DoesNotExist

    monkeypatch.setattr(pipeline.grouping, "run", gone)
    pipeline.start(event.pk)
    assert not Job.objects.exists()


def test_progress_is_told_in_words(event):
    now = timezone.now()
    job = Job(
        event=event, stage="look", state="running", n_done=50, n_total=200,
        started_at=now - timedelta(seconds=10),
    )  # fmt: skip
    line = following.job_line(job)
    assert "50 of 200" in line
    assert "5/s" in line
    assert "about 30 s left" in line
    assert [following.duration(s) for s in (0.2, 42, 185, 7800)] == [
        "0.2 s", "42 s", "3 min 5 s", "2 h 10 min",
    ]  # fmt: skip


def test_posts_are_on_the_timeline_before_anything_is_fetched(event, files):
    posts = _posts(files)
    _bring(event, files, posts[:-1])
    before = snapshots.read(event, Snapshot.Kind.TIMELINE)
    path = files.parent / "one.ndjson"
    path.write_text(json.dumps(posts[-1]))
    ingest.run(ingest.accept_path(event, path, images=files))
    rollup.quick_counts(event)
    event.refresh_from_db()
    now = snapshots.read(event, Snapshot.Kind.TIMELINE)
    assert now["post_n"].sum() == event.n_posts == len(posts)
    assert event.last_posted_at == START + timedelta(minutes=7 * (len(posts) - 1))
    for name in ("minute", "unique", "n"):  # what is known of pictures stays
        assert (now[name] == before[name]).all()
    assert len(now["n"])


def test_a_pass_with_nothing_to_look_at_loads_no_network(event, files, monkeypatch):
    _bring(event, files, _posts(files))
    Event.objects.filter(pk=event.pk).update(embedder="mobilenet_v2@00000000")
    event.images.update(embedder="mobilenet_v2@00000000")
    monkeypatch.setattr(look, "choose_embedder", lambda event: pytest.fail("a network was loaded"))
    pipeline.start(event.pk)
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").count() == 2


def test_an_import_is_not_done_before_its_pass_is_there(event, files, tmp_path, monkeypatch):
    path = tmp_path / "posts.ndjson"
    path.write_text("\n".join(map(json.dumps, _posts(files))))
    row = ingest.accept_path(event, path, images=files)

    def out_of_reach(event_id: int) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "start", out_of_reach)
        with pytest.raises(OperationalError):
            pipeline.import_and_process(row.pk)
    assert Import.objects.unfinished().filter(pk=row.pk).exists()
    pipeline.import_and_process(row.pk)
    assert Import.objects.get(pk=row.pk).state == Import.State.DONE
    assert event.jobs.filter(stage=Stage.ROLLUP, state=Job.State.DONE).exists()
