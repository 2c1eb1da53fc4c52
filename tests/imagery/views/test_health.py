import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError

from imagery import readiness
from imagery.blobs import AtomicFileSystemStorage
from imagery.views import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def look_again(settings):
    for name in ("queue", "control"):
        (settings.BROKER_DIR / name).mkdir(parents=True, exist_ok=True)
    readiness.look_again()
    health.rows.look_again()
    yield
    readiness.look_again()


@pytest.fixture
def broken(monkeypatch):
    def breaks(name: str) -> None:
        def fail() -> None:
            raise readiness.NotReady("postgres at 10.1.2.3: password of afterimage is wrong")

        monkeypatch.setitem(readiness.PARTS, name, fail)

    return breaks


def test_probes_answer_whatever_host_they_come_by(client, settings):
    settings.ALLOWED_HOSTS = ["pictures.example"]
    for path in ("/healthz", "/readyz"):
        answer = client.get(path, headers={"host": "10.0.0.7:8000"})
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert "no-store" in answer["Cache-Control"]
    assert client.get("/login/", headers={"host": "10.0.0.7:8000"}).status_code == 400


@pytest.mark.parametrize("name", ["database", "broker", "storage"])
def test_what_is_out_of_reach_is_named_and_no_more_is_told(client, broken, name, caplog):
    broken(name)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "failing": [name]}
    assert "10.1.2.3" in caplog.text and "10.1.2.3" not in answer.content.decode()
    assert client.get("/healthz").status_code == 200


def test_strangers_cannot_make_it_look_more_often_than_every_two_seconds(client, monkeypatch):
    n = []
    monkeypatch.setitem(readiness.PARTS, "database", lambda: n.append(1))
    for _ in range(5):
        client.get("/readyz")
    assert len(n) == 1


def test_a_database_that_is_behind_the_code_is_not_ready(monkeypatch):
    monkeypatch.setattr(readiness, "_migrated", set())
    monkeypatch.setattr(readiness, "waiting_migrations", lambda: ["imagery.0099_later"])
    with pytest.raises(readiness.NotReady, match=r"imagery\.0099_later"):
        readiness.database()


def test_a_folder_of_files_that_takes_nothing_is_not_ready(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    storage = AtomicFileSystemStorage(location=str(tmp_path / "file"))
    monkeypatch.setattr(readiness, "default_storage", storage)
    with pytest.raises(readiness.NotReady, match="Error"):
        readiness.storage()


def test_a_broker_out_of_reach_is_not_ready(settings):
    settings.EMBEDDED = False
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(readiness.NotReady, match=r"refused|OperationalError"):
        readiness.broker()


def test_metrics_are_for_the_token_and_for_staff(client, settings, owner):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = "let-me-read-them"
    for given, status in (
        ("Bearer let-me-read-them", 200), ("bearer let-me-read-them", 200),
        ("Bearer let-me-read-the", 404), ("Token let-me-read-them", 404), ("Bearer é", 404),
    ):  # fmt: skip
        assert client.get("/metrics", headers={"authorization": given}).status_code == status
    client.force_login(owner)
    assert client.get("/metrics").status_code == 404
    client.force_login(User.objects.create_user("keeper", is_staff=True))
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert "afterimage_processes" in answer.content.decode()


def test_metrics_answer_while_the_database_does_not(client, settings, monkeypatch):
    settings.METRICS_TOKEN = "let-me-read-them"

    def out(*args: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("imagery.metrics._jobs", out)
    answer = client.get("/metrics", headers={"authorization": "Bearer let-me-read-them"})
    assert 'afterimage_up{part="database"} 0.0' in answer.content.decode()
