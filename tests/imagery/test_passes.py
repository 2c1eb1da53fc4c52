"""Which stage follows which, in quick passes and whole ones."""

from datetime import timedelta

import pytest
from django.utils import timezone

from imagery import passes, pipeline
from imagery.models import Collection, Event, Job, Link, Stage

pytestmark = pytest.mark.django_db(transaction=True)
State = Job.State


def _job(event: Event, stage: str, *, quick: bool = False, again: bool = False, at: int = 0) -> Job:
    """A job done, that began `at` seconds ago and took one."""
    begun = timezone.now() - timedelta(seconds=at)
    return Job.objects.create(
        event=event, stage=stage, state=State.DONE, quick=quick, again=again,
        started_at=begun, finished_at=begun + timedelta(seconds=1),
    )  # fmt: skip


def _thorough(event: Event, *, ago: int, took: int) -> None:
    _job(event, Stage.VERSIONS, at=ago + took)
    _job(event, Stage.ROLLUP, at=ago + 1)


def _live(event: Event) -> None:
    Collection.objects.create(event=event, name="c", source="s", state="on")


def test_a_whole_pass_goes_through_every_stage(event):
    for stage, after in zip(passes.WHOLE, passes.WHOLE[1:], strict=False):
        assert passes.following(_job(event, stage)) == passes.Next(after, False, False)
    assert passes.following(_job(event, Stage.ROLLUP)) is None


def test_a_quick_pass_leaves_versions_and_groups_to_a_thorough_one(event):
    for stage, after in zip(passes.QUICK, passes.QUICK[1:], strict=False):
        following = passes.following(_job(event, stage, quick=True, again=True))
        assert following == passes.Next(after, True, True)
    following = passes.following(_job(event, Stage.ROLLUP, quick=True))
    assert following == passes.Next(Stage.VERSIONS, False, False)


@pytest.mark.parametrize(("ago", "took", "due"), [(5, 10, False), (19, 10, False), (21, 10, True)])
def test_thoroughness_takes_a_third_of_the_time_while_new_posts_wait(event, ago, took, due):
    _thorough(event, ago=ago, took=took)
    following = passes.following(_job(event, Stage.ROLLUP, quick=True, again=True))
    if due:
        assert following == passes.Next(Stage.VERSIONS, False, True)
    else:
        assert following == passes.Next(Stage.FETCH, True, False)


def test_the_first_thorough_pass_is_due_at_once(event):
    following = passes.following(_job(event, Stage.ROLLUP, quick=True, again=True))
    assert following == passes.Next(Stage.VERSIONS, False, True)


def test_after_a_whole_pass_of_a_live_event_a_quick_one_follows(event):
    done = _job(event, Stage.ROLLUP, again=True)
    assert passes.following(done) == passes.Next(Stage.FETCH, False, False)
    _live(event)
    assert passes.following(done) == passes.Next(Stage.FETCH, True, False)


def test_a_quick_pass_that_is_run_ends_in_a_thorough_one(event):
    pipeline.start(event.pk, quick=True)
    jobs = list(event.jobs.order_by("pk").values_list("stage", "quick", "state"))
    assert jobs == [(stage, True, "done") for stage in passes.QUICK] + [
        (stage, False, "done") for stage in passes.WHOLE[passes.WHOLE.index(Stage.VERSIONS) :]
    ]


def test_versions_give_way_to_new_posts_once_their_window_is_done(event):
    _live(event)
    job = Job(event=event, stage=Stage.VERSIONS, n_done=10, n_sent=0, again=True)
    assert pipeline._may_end(job)
    for other in ({"again": False}, {"n_done": 0}, {"n_sent": 10}, {"stage": Stage.LOOK}):
        values = {"stage": Stage.VERSIONS, "n_done": 10, "n_sent": 0, "again": True} | other
        assert not pipeline._may_end(Job(event=event, **values))
    event.collections.update(state="stopped")
    assert not pipeline._may_end(job)


def test_a_pass_asked_for_while_a_stage_fails_is_begun(event, monkeypatch):
    def broken(event: Event) -> None:
        event.jobs.filter(state="running").update(again=True)
        monkeypatch.undo()
        raise RuntimeError("broken")

    monkeypatch.setattr(pipeline.rollup, "run", broken)
    with pytest.raises(RuntimeError):
        pipeline.start(event.pk, quick=True)
    assert event.jobs.get(state="failed").stage == Stage.ROLLUP
    assert event.jobs.filter(stage=Stage.ROLLUP, state="done").count() == 2  # quick, thorough


def test_little_work_is_divided_among_processes_and_much_in_chunks(event):
    job = Job(event=event, stage=Stage.LOOK)
    sizes = [[len(c) for c in pipeline._chunks(job, list(range(n)))] for n in (5, 40, 100, 1000)]
    assert sizes[:3] == [[5], [10] * 4, [25] * 4]
    assert sizes[3] == [128] * 7 + [104]


def test_a_quick_pass_takes_so_many_links_and_comes_again_for_the_others(event, monkeypatch):
    monkeypatch.setattr(pipeline, "CHUNK", dict.fromkeys(pipeline.CHUNK, 2))
    for i in range(11):
        Link.objects.create(event=event, url=f"file:{i}.jpg", key=str(i))
    pipeline.start(event.pk, quick=True)
    fetches = event.jobs.filter(stage=Stage.FETCH).order_by("pk")
    assert list(fetches.values_list("n_done", flat=True)) == [8, 3]
    assert event.links.failed().count() == 11


def test_links_left_by_a_worker_that_ended_are_fetched_later(event, monkeypatch):
    Link.objects.create(event=event, url="file:a.jpg", key="a")
    _job(event, Stage.FETCH, quick=True, at=200)
    last = _job(event, Stage.ROLLUP, at=passes.STRANDED_S - 20)
    assert pipeline.resume() == 0
    Job.objects.filter(pk=last.pk).update(
        finished_at=timezone.now() - timedelta(seconds=passes.STRANDED_S + 1)
    )
    Job.objects.filter(pk=last.pk).update(state="cancelled")
    assert pipeline.resume() == 0
    Job.objects.filter(pk=last.pk).update(state="done")
    assert pipeline.resume() == 1
    assert event.links.failed().count() == 1
