import shutil

import pytest

from imagery import pipeline
from imagery.models import Job


@pytest.mark.django_db(transaction=True)
def test_a_broker_out_of_reach_leaves_the_job_waiting(event, settings, caplog):
    from config.celery import app

    shutil.rmtree(settings.BROKER_DIR, ignore_errors=True)
    app.conf.task_always_eager = False
    job = pipeline.start(event.pk)
    assert Job.objects.get(pk=job.pk).state == "queued"
    assert "cannot be reached" in caplog.text
    app.conf.task_always_eager = True
    Job.objects.update(beat_at=None, created_at="2020-01-01T00:00:00Z")
    assert pipeline.resume() == 1
    assert event.jobs.filter(stage="rollup", state="done").exists()
