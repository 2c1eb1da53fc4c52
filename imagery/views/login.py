"""Logging in, with a pause after repeated wrong passwords."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import ValidationError

MOST = 6  # wrong passwords for one name from one address
MOST_ADDRESS = 40  # … and from one address for whatever names
PAUSE_S = 15 * 60


class PausingForm(AuthenticationForm):
    """Refuses to try at all once a name or an address has failed too often."""

    def clean(self) -> dict[str, Any]:
        keys = self._keys()
        if any(cache.get(key, 0) >= most for key, most in keys.items()):
            raise ValidationError(
                f"Too many wrong passwords. Try again in {PAUSE_S // 60} minutes.", code="paused"
            )
        try:
            data = super().clean()
        except ValidationError:
            for key in keys:
                cache.add(key, 0, PAUSE_S)
                try:
                    cache.incr(key)
                except ValueError:  # it ran out between the two
                    cache.set(key, 1, PAUSE_S)
            raise
        cache.delete(next(iter(keys)))
        return data

    def _keys(self) -> dict[str, int]:
        """Cache keys with how many failures each bears; the name's own first."""
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        name = str(self.cleaned_data.get("username", "")).casefold()
        both = hashlib.sha256(f"{name}\0{address}".encode()).hexdigest()
        return {f"login:{both}": MOST, f"login-from:{address}": MOST_ADDRESS}


class PausingLogin(LoginView):
    authentication_form = PausingForm
    redirect_authenticated_user = True
