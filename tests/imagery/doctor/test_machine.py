import pytest

from imagery.doctor import machine


@pytest.mark.parametrize(
    "hosts, https, origins, level, said",
    [
        (["localhost"], False, [], "good", "this machine alone"),
        (["*"], True, [], "bad", "any host name"),
        (["pictures.example"], False, [], "bad", "without HTTPS"),
        (["pictures.example"], True, [], "doubt", "CSRF_TRUSTED_ORIGINS names none"),
        (["pictures.example", "web"], True, ["https://pictures.example"], "good", "with HTTPS"),
    ],
)
def test_hosts(settings, hosts, https, origins, level, said):
    settings.ALLOWED_HOSTS, settings.HTTPS = hosts, https
    settings.CSRF_TRUSTED_ORIGINS = origins
    found = machine.hosts()
    assert found.level == level and said in found.said and bool(found.todo) == (level != "good")


def test_the_secret_key_is_long_and_nobody_elses(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY", "short")
    settings.SECRET_KEY = "short"
    assert machine.secret_key().level == "doubt"
    settings.SECRET_KEY = "x" * 50
    assert machine.secret_key().level == "good"
    monkeypatch.delenv("SECRET_KEY")
    settings.DATA_DIR, settings.EMBEDDED = tmp_path, True
    path = tmp_path / "secret_key"
    path.write_text("x" * 50)
    path.chmod(0o644)
    assert (machine.secret_key().level, machine.secret_key().todo) == ("bad", f"chmod 600 {path}")
    path.chmod(0o600)
    assert machine.secret_key().level == "good"
    settings.EMBEDDED = False
    assert "other machines do not see" in machine.secret_key().said


def test_room_left():
    told = [machine._space("disk", free).level for free in (10 * 2**30, 3 * 2**30, 2**20)]
    assert told == ["good", "doubt", "bad"]


def test_weights_are_named_with_their_digest(settings, tmp_path):
    settings.IMAGERY_WEIGHTS_DIR = settings.DATA_DIR = tmp_path
    found = machine.weights()
    assert found.level == "doubt" and "mobilenet_v2.pth" in found.todo
    (tmp_path / "mobilenet_v2.pth").write_bytes(b"weights")
    assert machine.weights().level == "good" and "9a129038d9a00aed" in machine.weights().said


def test_debugging_is_no_way_to_run(settings):
    assert machine.debugging().level == "good"
    settings.DEBUG = True
    assert machine.debugging().level == "bad"
