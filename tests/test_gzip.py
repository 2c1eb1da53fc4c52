from django.http import HttpResponse
from django.test import RequestFactory

from config.gzip import TextGZipMiddleware


def _answer(kind: str) -> HttpResponse:
    request = RequestFactory().get("/", headers={"accept-encoding": "gzip"})
    return TextGZipMiddleware(lambda _: HttpResponse(b"x" * 5000, content_type=kind))(request)


def test_text_is_compressed_and_pictures_are_not():
    assert _answer("text/html")["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in _answer("image/jpeg")
