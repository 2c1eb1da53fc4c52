from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from imagery import (
    blobs,
    deciding,
    ingest,
    pipeline,
    retention,
    storing,
    supervisor,
    text_index,
    text_search,
)
from imagery.models import (
    Account,
    Decision,
    Event,
    Image,
    Job,
    Leftover,
    Link,
    Moved,
    Post,
    PostLink,
    Purge,
    Reading,
    Stage,
    UniqueImage,
)
from imagery.retention import Policy
from imagery.sources.base import AccountRecord, ImageRef, Record
from tests import factories

pytestmark = pytest.mark.django_db
OLD, NEW = datetime(2017, 9, 1, tzinfo=UTC), datetime(2017, 9, 20, tzinfo=UTC)
BEFORE = Policy(before=datetime(2017, 9, 10, tzinfo=UTC))


@pytest.fixture(autouse=True)
def passes(monkeypatch) -> list[str]:
    """Passes asked for, without running them: pictures are dropped by the tests themselves."""
    asked: list[str] = []
    monkeypatch.setattr(pipeline, "start", lambda event_id, at=Stage.FETCH, **_: asked.append(at))
    return asked


def post(event: Event, uid: str, at: datetime, *links: Link, account: str = "", **more) -> Post:
    holder = account and Account.objects.get_or_create(event=event, platform="t", uid=account)[0]
    row = Post.objects.create(
        event=event, platform="t", uid=uid, posted_at=at, account=holder or None, **more
    )
    PostLink.objects.bulk_create(PostLink(post=row, link=link) for link in links)
    return row


def shown(event: Event, n: int, **more) -> Link:
    image = factories.image(event, factories.jpeg(n), **more)
    return factories.link(event, f"https://p.example/{n}.jpg", state="fetched", image=image)


@pytest.fixture
def storm(event) -> Event:
    """Of four pictures one is of old posts alone; accounts a (old), b (both), c (new)."""
    links = [shown(event, n) for n in range(3)]
    post(event, "1", OLD, links[0], account="a", text="harbour old")
    post(event, "2", OLD, links[1], account="b", text="bridge old", gone="deleted", gone_at=OLD)
    post(event, "3", NEW, links[1], account="b", text="bridge new", gone="private", gone_at=NEW)
    post(event, "4", NEW, links[2], account="c", text="tent new", hashtags=["tents"])
    Reading.objects.create(post=Post.objects.get(uid="1"), day=1, due_at=OLD, read_at=OLD)
    text_index.catch_up()
    return event


def uids(event: Event) -> list[str]:
    return list(event.posts.order_by("uid").values_list("uid", flat=True))


def test_old_posts_go_with_what_only_they_held(storm, passes):
    digest = Image.objects.get(links__url__endswith="/0.jpg").sha256
    assert retention.count(storm, BEFORE) == retention.Count(2, 1, 1, 1)
    made = retention.purge(storm, BEFORE)
    assert (made.n_posts, made.n_accounts, made.n_links) == (2, 1, 1)
    assert uids(storm) == ["3", "4"] and passes == [Stage.VERSIONS]
    assert set(storm.accounts.values_list("uid", flat=True)) == {"b", "c"}
    assert not Reading.objects.exists() and PostLink.objects.count() == 2
    assert storm.images.count() == 3 and default_storage.exists(blobs.blob_name(digest))
    assert retention.drop_images(storm) == 1
    assert storm.images.count() == 2 and storm.links.count() == 2
    assert not default_storage.exists(blobs.blob_name(digest)) and not Leftover.objects.exists()
    assert not default_storage.exists(blobs.thumb_name(digest, 320))
    made.refresh_from_db()
    assert (made.n_images, made.n_files) == (1, 1) and made.finished_at
    assert retention.purge(storm, BEFORE) is None and Purge.objects.count() == 1


def test_posts_gone_at_their_source_go_by_their_own_policy(storm):
    made = retention.purge(storm, Policy(gone=True))
    assert uids(storm) == ["1", "4"]
    assert (made.n_posts, made.n_accounts, made.n_links, made.gone) == (2, 1, 1, True)


def test_the_events_settings_are_its_policy(storm):
    now = datetime(2017, 9, 11, tzinfo=UTC)
    assert not retention.policy_of(storm, now)
    storm.keep_days, storm.purge_gone = 5, True
    assert retention.policy_of(storm, now) == Policy(datetime(2017, 9, 6, tzinfo=UTC), True)
    assert set(retention.posts(storm, retention.policy_of(storm, now))) == set(
        storm.posts.exclude(uid="4")
    )


def test_words_of_what_is_left_are_found_and_of_what_went_are_not(storm):
    retention.purge(storm, BEFORE)

    def found(word: str) -> list[str]:
        return sorted(text_search.posts([storm], word).values_list("uid", flat=True))

    assert (found("old"), found("new"), found("#tents")) == ([], ["3", "4"], ["4"])


def test_other_events_keep_theirs_and_the_files_they_share(storm):
    other = Event.objects.create(slug="other", name="Other")
    shown(other, 0)
    post(other, "1", OLD)
    digest = Image.objects.get(event=other).sha256
    made = retention.purge(storm, BEFORE)
    retention.drop_images(storm)
    made.refresh_from_db()
    assert other.posts.count() == 1 and default_storage.exists(blobs.blob_name(digest))
    assert (made.n_images, made.n_files) == (1, 0)


@pytest.mark.parametrize("killed_at", range(1, 4))
def test_killed_after_any_part_the_next_run_comes_to_the_same(
    storm, monkeypatch, killed_at, passes
):
    monkeypatch.setattr(retention, "PART", 1)
    for n in range(3):
        post(storm, f"more{n}", OLD, account=f"more{n}")
    part, n = retention._purge_part, iter(range(1, 99))

    def killed(*args, **kwargs):
        if next(n) == killed_at:
            raise KeyboardInterrupt
        return part(*args, **kwargs)

    monkeypatch.setattr(retention, "_purge_part", killed)
    with pytest.raises(KeyboardInterrupt):
        retention.purge(storm, BEFORE)
    assert passes == [] and retention.drop_images(storm) == 0  # its posts are not all gone
    monkeypatch.setattr(retention, "_purge_part", part)
    assert retention.purge(storm, BEFORE) is None  # the one that was left did it all
    made = Purge.objects.get()
    assert (made.n_posts, made.n_accounts, made.n_links, made.part) == (5, 4, 1, 5)
    assert uids(storm) == ["3", "4"] and passes == [Stage.VERSIONS]
    assert retention.drop_images(storm) == 1


def test_killed_between_rows_and_files_the_next_run_deletes_the_files(storm, monkeypatch):
    digest = Image.objects.get(links__url__endswith="/0.jpg").sha256
    retention.purge(storm, BEFORE)

    def killed(digests):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention.orphans, "drop", killed)
        with pytest.raises(KeyboardInterrupt):
            retention.drop_images(storm)
    assert Leftover.objects.count() == 1 and default_storage.exists(blobs.blob_name(digest))
    retention.purge_all()
    assert not Leftover.objects.exists() and not default_storage.exists(blobs.blob_name(digest))


def test_daily_every_event_is_purged_as_its_settings_say(storm):
    kept = Event.objects.create(slug="kept", name="Kept")
    post(kept, "1", OLD)
    Event.objects.filter(pk=storm.pk).update(keep_days=1)
    post(storm, "today", timezone.now())
    assert retention.purge_all() == 4
    assert uids(storm) == ["today"] and kept.posts.count() == 1
    assert Purge.objects.get().user is None


def test_nothing_refers_to_posts_links_and_accounts_but_what_is_deleted_with_them():
    def referring(model) -> set[str]:
        return {f.related_model.__name__ for f in model._meta.related_objects}

    assert referring(Post) == {"Reading", "PostLink"}
    assert referring(Link) | referring(Account) == {"PostLink", "Post"}


# Imports under way ----------------------------------------------------------------------------


def record(uid: str) -> Record:
    return Record(
        platform="t", uid=uid, posted_at=NEW, account=AccountRecord(uid="a"),
        images=(ImageRef(url="https://p.example/0.jpg"),),
    )  # fmt: skip


def test_an_import_under_way_meets_what_was_purged_anew(storm):
    under_way = storing.Storing(storm)
    under_way.store([record("5")])
    Post.objects.filter(uid="5").delete()
    retention.purge(storm, BEFORE)
    assert not storm.accounts.filter(uid="a").exists()
    under_way.store([record("6")])
    row = Post.objects.get(uid="6")
    assert row.account.uid == "a" and row.links.get().state == Link.State.WAITING


def test_files_as_imported_go_once_nothing_of_them_is_left(storm):
    rows = []
    for n, uid in enumerate(("1", "4")):
        row = ingest.accept_upload(storm, None, SimpleUploadedFile(f"{n}.ndjson", b"personal"))
        type(row).objects.filter(pk=row.pk).update(state="done", finished_at=OLD)
        Post.objects.filter(uid=uid).update(imported_by=row)
        rows.append(row)
    from pathlib import Path

    there = [Path(row.path).exists() for row in rows]
    retention.purge(storm, BEFORE)
    assert (there, [Path(row.path).exists() for row in rows]) == ([True] * 2, [False, True])


# Decisions ------------------------------------------------------------------------------------


@pytest.fixture
def copies(event, owner) -> list[Image]:
    """One set of three, posted old, old and new; the first stands for it. And one picture apart."""
    links = [shown(event, n) for n in range(4)]
    images = [link.image for link in links]
    unique = UniqueImage.objects.create(event=event, representative=images[0])
    other = UniqueImage.objects.create(event=event, representative=images[3])
    for n, (image, at) in enumerate(zip(images, (OLD, OLD, NEW, NEW), strict=True)):
        post(event, str(n), at, links[n])
        image.unique, image.first_posted_at = unique if n < 3 else other, at
        image.save()
    return images


def gone(event: Event) -> None:
    retention.purge(event, BEFORE)
    retention.drop_images(event)


def test_a_set_keeps_its_id_its_address_and_what_people_said_of_it(event, owner, copies):
    first, _, stays, apart = copies
    unique = first.unique_id
    Moved.objects.create(was=unique + 1000, event=event, image=first)
    deciding.decide(event, owner, "name", first, text="Harbour")
    deciding.decide(event, owner, "different", first, apart)
    gone(event)
    assert UniqueImage.objects.get(pk=unique).representative == stays
    assert Moved.objects.now_in(event, unique + 1000) == unique
    held = {d.kind: (d.image_id, d.other_id) for d in Decision.objects.active()}
    assert held == {"name": (stays.pk, None), "different": (stays.pk, apart.pk)}
    assert deciding.of_pair(stays.pk, apart.pk).user == owner


def test_a_decision_about_the_heir_itself_holds_before_an_inherited_one(event, owner, copies):
    first, second, stays, apart = copies
    deciding.decide(event, owner, "different", first, apart)
    deciding.decide(event, owner, "same", stays, apart)
    deciding.decide(event, owner, "same", first, stays)
    deciding.decide(event, owner, "same", second, apart)
    gone(event)
    assert [(d.kind, d.image_id, d.other_id) for d in Decision.objects.active()] == [
        ("same", stays.pk, apart.pk)
    ]


def test_where_a_whole_set_goes_its_decisions_go(event, owner, copies):
    apart = copies[3]
    deciding.decide(event, owner, "name", apart, text="Bridge")
    deciding.decide(event, owner, "different", copies[2], apart)
    Post.objects.filter(uid="3").update(posted_at=OLD)
    gone(event)
    assert not Decision.objects.exists()
    assert UniqueImage.objects.count() == 1


# The command ----------------------------------------------------------------------------------


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("purge", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_and_deletes(storm, monkeypatch):
    monkeypatch.setattr(supervisor, "prepare", lambda: None)  # tables are there
    days = (timezone.now() - datetime(2017, 9, 10, tzinfo=UTC)).days
    asked = ("storm", "--older-than", str(days))
    assert "2 posts, 1 accounts, 1 links and 1 images would go" in told(*asked, "--dry-run")
    assert len(uids(storm)) == 4
    assert "deleted 2 posts, 1 accounts, 1 links; their pictures" in told(*asked, "--no-wait")
    assert "no such posts" in told(*asked, "--no-wait")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("nowhere",), "no event 'nowhere'; there are: storm"),
        (("storm",), "storm keeps everything: say --older-than DAYS or --gone"),
        (("storm", "--older-than", "0"), "--older-than 0: want at least 1 day"),
    ],
)
def test_the_command_says_what_is_wrong(event, arguments, said):
    with pytest.raises(CommandError, match=said):
        told(*arguments)


@pytest.mark.django_db(transaction=True)
def test_the_pass_that_follows_drops_the_pictures_and_counts(event, monkeypatch):
    from imagery import dedup, grouping, rollup

    monkeypatch.undo()
    for stage in (dedup, grouping):
        monkeypatch.setattr(stage, "run", lambda event: 0)
    monkeypatch.setattr(rollup, "run", lambda event: 0)
    link = shown(event, 1)
    post(event, "1", OLD, link)
    made = retention.purge(event, BEFORE)
    made.refresh_from_db()
    assert made.finished_at and made.n_images == 1 and not event.images.exists()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert made.begun_at < made.finished_at < timezone.now() + timedelta(seconds=1)
