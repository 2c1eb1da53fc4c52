"""A token for those who come without a browser."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from imagery.api.asked import Strict
from imagery.api.endpoints import Endpoint
from imagery.views.login import PAUSE_S, PausingForm


class Credentials(Strict):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False, write_only=True)


class TokenEndpoint(Endpoint):
    authentication_classes = (TokenAuthentication,)

    def get_permissions(self) -> Any:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    @extend_schema(
        operation_id="token_create",
        request=Credentials,
        responses=inline_serializer("Token", {"token": serializers.CharField()}),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Your token, for the header `Authorization: Token …`. Wrong passwords bring a pause."""
        asked = Credentials(data=request.data)
        asked.is_valid(raise_exception=True)
        form = PausingForm(request._request, data=asked.validated_data)
        if not form.is_valid():
            if form.has_error("__all__", "paused"):
                raise Throttled(wait=PAUSE_S)
            raise serializers.ValidationError({"detail": "No account has this name and password."})
        token, _ = Token.objects.get_or_create(user=form.get_user())
        return Response({"token": token.key})

    @extend_schema(operation_id="token_delete", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Your token is void from now on."""
        Token.objects.filter(key=request.auth.key).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
