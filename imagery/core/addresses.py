"""Which web addresses may be fetched: the rules, and nothing that connects.

Special-purpose ranges: IANA special-purpose address registries (RFC 6890 and later).
Host syntax: WHATWG URL, "host parsing", with its forgiving forms refused instead of read.
Blocked ports: WHATWG Fetch, "port blocking", and common data stores.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

import idna

Kind = Literal[
    "bad_url",
    "forbidden_address",
    "dns",
    "connect",
    "tls",
    "timeout",
    "busy",
    "too_large",
    "incomplete",
    "protocol",
    "http_status",
    "redirects",
    "empty",
    "encoding",
]
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

MAX_URL_CHARS = 8000
DEFAULT_PORTS = {"http": 80, "https": 443}
# Fetch's list above 1023; then data stores and control planes.
_NOT_WEB = [1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080]
_CHAT = range(6665, 6670)
_DATA_STORES = [1433, 3306, 5432, 5672, 6379, 9042, 9200, 9300, 11211, 27017]
_CONTROL = [2375, 2376, 2379, 2380, 3389, 5900, 6443, 10250]
BLOCKED_PORTS = frozenset([*_NOT_WEB, *_CHAT, *_DATA_STORES, *_CONTROL])

_V4_RANGES = [
    (ipaddress.IPv4Network(network), why)
    for network, why in [
        ("169.254.169.254/32", "a cloud metadata address"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a shared address of a carrier's network"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", "a reserved address"),
    ]
]
_V6_RANGES = [
    (ipaddress.IPv6Network(network), why)
    for network, why in [
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("fd20:ce::254/128", "a cloud metadata address"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4-mapped address"),
        ("::/96", "an IPv4-compatible address"),
        ("64:ff9b:1::/48", "a local translation address (NAT64)"),
        ("100::/64", "a discard address"),
        ("2001::/32", "a Teredo tunnel address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 tunnel address"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    ]
]
_V6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# RFC 3986's reserved and unreserved characters, and % so that escapes stay as they are.
_URL_CHARS = "!#$%&'()*+,/:;=?@[]~"


class FetchError(Exception):
    """Why something was not fetched; `reason` is a sentence for people.

    retryable: a later attempt may succeed. status: the HTTP status, if there was one.
    retry_after_s: how long the server, or the queue for it, asks to wait.
    """

    def __init__(
        self,
        reason: str,
        kind: Kind,
        retryable: bool = False,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        # All of them as args: the exception then survives pickling between processes.
        super().__init__(reason, kind, retryable, status, retry_after_s)
        self.reason = reason
        self.kind: Kind = kind
        self.retryable = retryable
        self.status = status
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Target:
    """A checked URL, taken apart. host: lower case, ASCII, no brackets, no trailing dot."""

    scheme: str
    host: str
    port: int
    path: str  # with the query, percent-encoded

    @property
    def authority(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def place(self) -> str:
        """host:port, the form in which exceptions to the rules are listed."""
        return f"{self.authority}:{self.port}"

    @property
    def url(self) -> str:
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.authority}{port}{self.path}"

    @property
    def literal(self) -> str | None:
        """The address, where the host is written as one."""
        try:
            return str(ipaddress.ip_address(self.host))
        except ValueError:
            return None


def shown(text: str, limit: int = 90) -> str:
    """The text as a message may carry it: printable, and short."""
    clean = "".join(c if c.isprintable() else "�" for c in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def forbidden(ip: str | Ip) -> str | None:
    """Why no request may go to this address ("a private address"), or None.

    An address that translates to IPv4 (NAT64, 64:ff9b::/96) is judged by what it carries;
    other wrappings (mapped, compatible, 6to4, Teredo) are refused whatever they carry.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "not an address"
    if isinstance(address, ipaddress.IPv4Address):
        return next((why for network, why in _V4_RANGES if address in network), None)
    if address.scope_id is not None:
        return "an address of one network interface"
    if address in _NAT64:
        return forbidden(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    why = next((why for network, why in _V6_RANGES if address in network), None)
    if why is None and address not in _V6_PUBLIC:
        return "not a public address"
    return why


def check_url(url: str, allow_private: frozenset[str] = frozenset()) -> Target:
    """The URL taken apart, if it is one that may be fetched.

    allow_private: "host:port" entries that the address and port rules do not concern.
    User names, odd schemes, blocked ports, numeric hosts in any but the usual form and
    forbidden literal addresses raise FetchError. Names are not resolved here.
    """
    url = url.strip()
    if len(url) > MAX_URL_CHARS:
        raise FetchError(
            f"the address has {len(url):,} characters; at most {MAX_URL_CHARS:,} are taken",
            "bad_url",
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in url):
        raise _bad(url, "holds a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad(url, "is not a web address") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise _bad(url, "does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise _bad(url, "carries a user name")
    target = Target(
        scheme=parts.scheme,
        host=_checked_host(url, parts.netloc),
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        path=_path(parts.path or "/", parts.query),
    )
    if target.place not in allow_private:
        _check_port(target.port)
        if target.literal is not None:
            _check_address(target.literal)
    return target


def checked_addresses(
    target: Target, found: list[str], allow_private: frozenset[str] = frozenset()
) -> list[str]:
    """What the target's name resolved to, in order, without repeats, in canonical form.

    One forbidden address among them refuses the whole name (FetchError).
    """
    if not found:
        raise FetchError(f"{target.host} has no address", "dns")
    if target.place not in allow_private:
        for address in found:
            if why := forbidden(address):
                raise FetchError(
                    f"{target.host} leads to {shown(address)}, {why}: not fetched",
                    "forbidden_address",
                )
    return list(dict.fromkeys(str(ipaddress.ip_address(address)) for address in found))


def _bad(url: str, what: str) -> FetchError:
    return FetchError(f"“{shown(url)}” {what}", "bad_url")


def _path(path: str, query: str) -> str:
    return quote(f"{path}?{query}" if query else path, safe=_URL_CHARS)


def _check_port(port: int) -> None:
    # Below 1024 live the system's services; the web has two ports there.
    if port in BLOCKED_PORTS or (port < 1024 and port not in DEFAULT_PORTS.values()):
        raise FetchError(f"port {port} is not one for web pages: not fetched", "forbidden_address")


def _check_address(address: str) -> None:
    if why := forbidden(address):
        raise FetchError(f"{address} is {why}: not fetched", "forbidden_address")


def _checked_host(url: str, netloc: str) -> str:
    if netloc.startswith("["):
        inner, _, rest = netloc[1:].partition("]")
        try:
            address = ipaddress.IPv6Address(inner)
        except ValueError:
            raise _bad(url, "holds a broken IPv6 address") from None
        if address.scope_id is not None:
            raise _bad(url, "names a network interface")
        if rest and not rest.startswith(":"):
            raise _bad(url, "has a broken host name")
        return str(address)
    host = _ascii_host(url, netloc.partition(":")[0])
    if host.endswith("."):
        host = host[:-1]
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad(url, "has a broken host name")
    if _NUMBER.fullmatch(labels[-1]):
        # What resolvers read as a number (2130706433, 0177.0.0.1, 0x7f.1, 127.1) is taken
        # only in the one form that everybody reads alike.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise _bad(url, "writes an address in an unusual form") from None
    return host


def _ascii_host(url: str, host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii").lower()
    except idna.IDNAError:
        raise _bad(url, "has a broken host name") from None
