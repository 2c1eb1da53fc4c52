import pytest
from django.core.cache import cache
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from imagery.views import login

RIGHT = {"username": "owner", "password": "correct horse battery"}


@pytest.fixture(autouse=True)
def forget() -> None:
    cache.clear()


@pytest.mark.django_db
def test_a_password_gives_a_token_that_opens_and_can_be_voided(owner, event) -> None:
    client = APIClient()
    answer = client.post("/api/token/", RIGHT, format="json")
    assert answer.status_code == 200
    again = client.post("/api/token/", RIGHT, format="json")
    assert again.json() == answer.json() == {"token": Token.objects.get().key}
    client.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    assert client.get("/api/events/storm/").status_code == 200
    assert client.delete("/api/token/").status_code == 204
    assert client.get("/api/events/storm/").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"password": "wrong"}, {"username": "nobody"}, {"username": "own\0er"}, {"username": ""},
        {"password": "x" * 5000}, {"username": 10**400}, {"password": None}, {"extra": 1},
    ],
)  # fmt: skip
def test_a_wrong_password_gives_none(owner, change: dict[str, object]) -> None:
    answer = APIClient().post("/api/token/", RIGHT | change, format="json")
    assert answer.status_code == 400, answer.content
    assert not Token.objects.exists()


@pytest.mark.django_db
def test_a_deactivated_person_gets_none(owner) -> None:
    owner.is_active = False
    owner.save()
    assert APIClient().post("/api/token/", RIGHT, format="json").status_code == 400


@pytest.mark.django_db
def test_guessing_brings_a_pause_even_for_the_right_password(owner) -> None:
    client = APIClient()
    for _ in range(login.MOST):
        wrong = client.post("/api/token/", RIGHT | {"password": "guess"}, format="json")
        assert wrong.status_code == 400
    paused = client.post("/api/token/", RIGHT, format="json", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert paused.status_code == 429 and paused["Retry-After"] == str(login.PAUSE_S)
    assert not Token.objects.exists()


@pytest.mark.django_db
def test_a_false_token_opens_nothing(event) -> None:
    client = APIClient()
    for value in ("Token abc", "Token", "Token a b", "Bearer abc", "Token \xff"):
        client.credentials(HTTP_AUTHORIZATION=value)
        assert client.get("/api/events/").status_code == 401, value
