"""Clients of the API, and the small organised event."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from imagery.models import Event
from tests import factories


@pytest.fixture
def made(event: Event) -> Event:
    return factories.organised(event, n_unique=7)


@pytest.fixture
def by_token() -> Callable[[User], APIClient]:
    def client(user: User) -> APIClient:
        token, _ = Token.objects.get_or_create(user=user)
        made = APIClient()
        made.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
        return made

    return client


@pytest.fixture
def by_session() -> Callable[[User], APIClient]:
    def client(user: User) -> APIClient:
        made = APIClient(enforce_csrf_checks=True)
        made.force_login(user)
        return made

    return client


@pytest.fixture
def client(owner: User, by_token: Callable[[User], APIClient]) -> APIClient:
    """The owner's, by token."""
    return by_token(owner)
