"""The API's own addresses and its page; both apps' endpoints meet here."""

from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path, reverse_lazy
from django.views.generic import RedirectView
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@extend_schema(exclude=True)
class Nothing(APIView):
    """Says in JSON that there is nothing, to whoever asks."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise NotFound(f"There is nothing at {request.path[:200]}; see /api/docs/.")

    def get(self, request: Request, rest: str) -> Response:
        raise NotFound


docs = SpectacularSwaggerSplitView.as_view(url_name="schema")

urlpatterns = [
    path("", RedirectView.as_view(url=reverse_lazy("api-docs")), name="api-root"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", login_required(docs), name="api-docs"),
    path("", include("imagery.api.urls")),
    path("", include("analytics.api_urls")),
    re_path(r"^(?P<rest>.*/)$", Nothing.as_view()),
]
