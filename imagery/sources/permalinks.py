"""What an address says of its post: the platform, and the post's id there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_PLATFORMS = {
    "twitter.com": "twitter",
    "x.com": "twitter",
    "twimg.com": "twitter",
    "instagram.com": "instagram",
    "cdninstagram.com": "instagram",
    "tiktok.com": "tiktok",
    "tumblr.com": "tumblr",
    "bsky.app": "bluesky",
    "flickr.com": "flickr",
    "staticflickr.com": "flickr",
    "unsplash.com": "unsplash",
    "facebook.com": "facebook",
    "t.me": "telegram",
    "reddit.com": "reddit",
    "pinterest.com": "pinterest",
    "youtube.com": "youtube",
}
_POST_ID = re.compile(
    r"//(?:www\.|m\.|mobile\.)?(?:instagram\.com/(?:[\w.]+/)?(?:p|reel|tv)/([\w-]+)"
    r"|(?:twitter|x)\.com/\w+(?:/web)?/status/(\d+)"
    r"|tiktok\.com/@[\w.-]+/(?:video|photo)/(\d+))",
    re.IGNORECASE,
)


def platform_of(url: str) -> str:
    """The platform an address belongs to, "" where it is none we name."""
    try:
        host = urlsplit(url.split()[0] if url else "").hostname or ""
    except (ValueError, IndexError):
        return ""
    parts = host.split(".")
    return _PLATFORMS.get(".".join(parts[-2:]), "")


def post_id_in(url: str) -> str:
    """The id in a permalink; the whole address where its form is not known."""
    found = _POST_ID.search(url)
    return next((part for part in found.groups() if part), url) if found else url
