import ipaddress
import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagery.core.addresses import FetchError, check_url, checked_addresses, forbidden

FORBIDDEN = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.0.0.5": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "carrier",
    "100.127.255.255": "carrier",
    "100.100.100.200": "metadata",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "metadata",
    "169.254.0.1": "link-local",
    "169.254.169.254": "metadata",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.8": "reserved",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "IPv4-compatible",
    "::ffff:127.0.0.1": "IPv4-mapped",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a00:1": "private",
    "64:ff9b::a9fe:a9fe": "metadata",
    "64:ff9b:1::808:808": "translation",
    "100::1": "discard",
    "2001::1": "Teredo",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:10::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "3fff::1": "documentation",
    "4000::1": "not a public",
    "5f00::1": "not a public",
    "fc00::1": "private",
    "fd00:ec2::254": "metadata",
    "fd20:ce::254": "metadata",
    "fe80::1": "link-local",
    "fe80::1%eth0": "interface",
    "2606:4700::1%eth0": "interface",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "pictures.example": "not an address",
    "010.0.0.1": "not an address",
    "": "not an address",
}
PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2001:4860:4860::8888",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize(("ip", "word"), FORBIDDEN.items())
def test_forbidden_names_what_the_address_is(ip, word):
    assert word in (forbidden(ip) or "")


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_free(ip):
    assert forbidden(ip) is None


@settings(deadline=None)
@given(st.ip_addresses(v=4))
@example(ipaddress.ip_address("192.88.99.1"))
@example(ipaddress.ip_address("168.63.129.16"))
def test_ipv4_agrees_with_the_standard_library(ip):
    stricter = (
        ip.is_multicast
        or ip in ipaddress.ip_network("192.0.0.0/24")
        or ip in ipaddress.ip_network("192.88.99.0/24")
        or str(ip) == "168.63.129.16"
    )
    assert (forbidden(ip) is None) == (ip.is_global and not stricter)


@settings(deadline=None)
@given(st.ip_addresses(v=6))
@example(ipaddress.ip_address("64:ff9b::808:808"))
def test_free_ipv6_is_global(ip):
    if forbidden(ip) is None:
        assert ip.is_global and not ip.is_multicast
        assert ip.ipv4_mapped is None and ip.sixtofour is None and ip.teredo is None


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_wrapping_frees_a_forbidden_ipv4(number):
    inner = ipaddress.IPv4Address(number)
    for prefix in ("::ffff:0:0", "64:ff9b::", "::"):
        outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + number)
        if forbidden(inner):
            assert forbidden(outer), outer


HOSTILE = [
    "",
    "picture.png",
    "//pictures.example/a.png",
    "file:///etc/passwd",
    "ftp://pictures.example/a.png",
    "gopher://pictures.example:70/_x",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "http:",
    "http://",
    "http:///a.png",
    "http://?q",
    "http://user@pictures.example/",
    "http://user:secret@pictures.example/",
    "http://pictures.example@127.0.0.1/",
    "http://pictures.example\\@127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "http://pictures.example\t/",
    "http://pictures.example/\r\nHost: x",
    "http://pictures.example/\x00",
    "http://pictures .example/",
    "http://pictures..example/",
    "http://.pictures.example/",
    "http://pictures.example../",
    "http://./",
    f"http://{'a' * 64}.example/",
    f"http://{'a.' * 130}example/",
    "http://pictures.example:70000/",
    "http://pictures.example:x/",
    "http://pictures.example:0/",
    "http://pictures.example:22/",
    "http://pictures.example:25/",
    "http://pictures.example:6379/",
    "http://pictures.example:6667/",
    "http://pictures.example:-80/",
    "http://127%2e0%2e0%2e1/",
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://017700000001/",
    "http://0/",
    "http://256.256.256.256/",
    "http://1.2.3.4.5/",
    "http://999999999999/",
    "http://pictures.example.0x7f/",
    "http://8.8.8.010/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::1/",
    "http://[::1]x/",
    "http://::1/",
    "http://[v1.a]/",
    "http://[127.0.0.1]/",
    "http://169.254.169.254/latest/meta-data/",
    "https://10.0.0.5:8443/",
    "http://pictures.example/" + "a" * 8000,
    "http://\ud800.example/",
    "http://xn--\u00e9.example/",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_are_refused_in_words(url):
    with pytest.raises(FetchError) as refusal:
        check_url(url)
    assert refusal.value.kind in ("bad_url", "forbidden_address")
    assert not refusal.value.retryable
    assert refusal.value.reason.isprintable() and len(refusal.value.reason) < 250


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Pictures.Example", "http://pictures.example/"),
        ("  https://pictures.example/a.png \n", "https://pictures.example/a.png"),
        ("https://pictures.example:443/a", "https://pictures.example/a"),
        ("https://pictures.example:80/a", "https://pictures.example:80/a"),
        ("http://pictures.example:/a", "http://pictures.example/a"),
        ("http://pictures.example:8080/a?b=c#d", "http://pictures.example:8080/a?b=c"),
        ("http://pictures.example?b=c", "http://pictures.example/?b=c"),
        ("http://pictures.example./a", "http://pictures.example/a"),
        (
            "http://pictures.example/a b/é.png?q=ü",
            "http://pictures.example/a%20b/%C3%A9.png?q=%C3%BC",
        ),
        ("http://pictures.example/a%20b%2F", "http://pictures.example/a%20b%2F"),
        ("http://a_b.-x-.example/", "http://a_b.-x-.example/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://straße.example/", "http://xn--strae-oqa.example/"),
        ("http://8.8.8.8/a", "http://8.8.8.8/a"),
        ("http://[2606:4700:0::1111]/a", "http://[2606:4700::1111]/a"),
    ],
)
def test_good_urls_come_back_in_normal_form(url, normal):
    target = check_url(url)
    assert target.url == normal
    assert check_url(target.url) == target


@settings(deadline=None)
@given(st.one_of(st.text(), st.text().map("http://".__add__), st.from_regex(r"https?://\S+")))
def test_any_text_is_taken_or_refused(text):
    try:
        target = check_url(text)
    except FetchError:
        return
    assert target.url.isascii() and " " not in target.url
    assert target.literal is None or forbidden(target.literal) is None
    assert check_url(target.url) == target


def test_exceptions_concern_exactly_one_place():
    allowed = frozenset(["127.0.0.1:8999", "[::1]:22", "media:9000"])
    assert check_url("http://127.0.0.1:8999/a", allowed).place == "127.0.0.1:8999"
    assert check_url("http://[0:0::1]:22/a", allowed).place == "[::1]:22"
    for url in ("http://127.0.0.1:8998/", "http://127.0.0.2:8999/", "http://[::1]:23/"):
        with pytest.raises(FetchError):
            check_url(url, allowed)
    media = check_url("http://media:9000/a", allowed)
    assert checked_addresses(media, ["10.0.0.5"], allowed) == ["10.0.0.5"]


def test_one_forbidden_address_refuses_the_name():
    target = check_url("http://pictures.example/")
    assert checked_addresses(target, ["8.8.8.8", "2606:4700:0::1", "8.8.8.8"]) == [
        "8.8.8.8",
        "2606:4700::1",
    ]
    with pytest.raises(FetchError, match=r"pictures\.example leads to 10\.0\.0\.5, a private"):
        checked_addresses(target, ["8.8.8.8", "10.0.0.5"])
    with pytest.raises(FetchError, match="has no address"):
        checked_addresses(target, [])


def test_errors_survive_the_way_between_processes():
    error = FetchError("busy", "http_status", True, 503, 4.0)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.reason, copy.kind, copy.retryable, copy.status, copy.retry_after_s) == error.args
