"""What holds for every format: its sample, its golden first record, and calm on wild bytes."""

import gzip
import json
import lzma
import random
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagery import sources
from imagery.sources import FORMATS, BadRow, Record, UnreadableFile, detect, open_source, read
from imagery.sources.fields import EARLIEST

NOW = datetime(2021, 6, 1, tzinfo=UTC)
DATA = Path(__file__).parents[2] / "data"
AT = datetime(2021, 5, 4, 8, 15, tzinfo=UTC)
TWEET = "1389493749150646273"
DID = "did:plc:elmbridge234567abcdefghi"

# As `told` lists them: likes, reposts, comments and views come last.
GOLDEN = {
    "ndjson": (
        "1001", "twitter", AT, "7", "Water at the old mill #ElmFlood #水害", ("ElmFlood", "水害"),
        ("https://img.example/a.jpg", "https://img.example/b.jpg"), 19, 3, 0, 740,
    ),
    "csv": (
        "2001", "instagram", AT + timedelta(hours=2), "quay_cam",
        "Sandbags; many of them\nalong the quay #ElmFlood", ("ElmFlood",),
        ("https://img.example/c.jpg", "https://img.example/d.jpg"), 35, None, None, None,
    ),
    "twitter-v1": (
        TWEET, "twitter", AT, "70",
        "Water at the old mill, the road to Elm Bridge is closed #ElmFlood", ("ElmFlood",),
        ("https://pbs.img.example/11.jpg", "https://pbs.img.example/12.jpg"), 19, 3, None, None,
    ),
    "twitter-v2": (
        TWEET, "twitter", AT, "70", "Water at the old mill #ElmFlood", ("ElmFlood",),
        ("https://pbs.img.example/11.jpg", "https://pbs.img.example/12.jpg"), 19, 3, 1, 740,
    ),
    "4cat": (
        TWEET, "twitter", AT, "70", "Water at the old mill, again #ElmFlood", ("ElmFlood", "mill"),
        ("https://pbs.img.example/11.jpg", "https://pbs.img.example/12.jpg"), 19, 3, 1, 740,
    ),
    "zeeschuimer": (
        "CxElm123", "instagram", AT, "55", "Sandbags along the quay #ElmFlood", ("ElmFlood",),
        ("https://ig.example/1.jpg", "https://ig.example/2.jpg"), 35, None, 4, None,
    ),
    "mastodon": (
        "https://pond.example/users/river/statuses/1", "mastodon", AT,
        "https://pond.example/users/river",
        "Water at the old mill & beyond\nthe road is closed\n#ElmFlood", ("elmflood",),
        ("https://files.pond.example/1.png",), 19, 3, 1, None,
    ),
    "bluesky": (
        f"at://{DID}/app.bsky.feed.post/3lelm1", "bluesky", AT - timedelta(seconds=0.5), DID,
        "Water at the old mill #ElmFlood", ("ElmFlood",),
        tuple(
            f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/{cid}@jpeg"
            for cid in ("bafkreiaaa", "bafkreibbb")
        ), None, None, None, None,
    ),
    "instaloader": (
        "CxElm123", "instagram", AT, "55", "Sandbags along the quay #ElmFlood", ("ElmFlood",),
        ("https://ig.example/1.jpg", "https://ig.example/2.jpg"), 35, None, 4, None,
    ),
    "folder": (
        "9001", "folder", AT, "quay_cam", "Sandbags #ElmFlood", ("ElmFlood",), ("",),
        None, None, None, None,
    ),
}  # fmt: skip


def sample(name: str) -> Path:
    (found,) = DATA.glob(f"{name}.*")
    return found


def told(record: Record) -> tuple:
    return (
        record.uid, record.platform, record.posted_at, record.account and record.account.uid,
        record.text, record.hashtags, tuple(image.url for image in record.images),
        record.likes, record.reposts, record.comments, record.views,
    )  # fmt: skip


def check(item: Record | BadRow) -> None:
    """What every item promises, whatever the file held."""
    if isinstance(item, BadRow):
        assert item.reason.strip() and item.line >= 0 and len(item.raw) <= 2000
        (item.reason + item.raw).encode()
        assert "\0" not in item.reason + item.raw
        return
    assert isinstance(item, Record)
    assert item.posted_at.utcoffset() == timedelta(0)
    assert EARLIEST <= item.posted_at <= NOW + timedelta(days=2)
    assert 0 < len(item.uid) <= 300
    account = item.account
    texts = [item.platform, item.uid, item.text, item.lang, item.url, item.place, *item.hashtags]
    texts += [item.repost_of, item.reply_to]
    numbers = [item.likes, item.reposts, item.comments, item.views]
    if account is not None:
        texts += [account.uid, account.handle, account.name, account.location]
        numbers += [account.followers, account.following, account.n_posts]
        assert account.created_at is None or account.created_at.utcoffset() == timedelta(0)
    for image in item.images:
        texts += [image.url, image.file, image.alt]
        assert image.url or image.file
        assert not image.url or image.url.lower().startswith(("http://", "https://"))
        assert not image.file.startswith("/") and ".." not in image.file.split("/")
    for value in texts:
        assert type(value) is str and "\0" not in value
        value.encode()
    for number in numbers:
        assert number is None or (type(number) is int and 0 <= number < 2**63)
    assert (item.lat is None) == (item.lon is None)
    assert item.lat is None or (abs(item.lat) <= 90 and abs(item.lon) <= 180)


def read_bytes(tmp_path: Path, content: bytes, format: str = "auto") -> list[Record | BadRow]:
    path = tmp_path / "file"
    path.write_bytes(content)
    return list(read(path, format, now=NOW))


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_is_known_by_its_format_alone(name):
    head = open_source(sample(name)).read(65536)
    assert [other for other, source in FORMATS.items() if source.sniff(head, "file")] == [name]
    assert detect(head, "file") == name
    assert FORMATS[name].label


@pytest.mark.parametrize("name", FORMATS)
def test_the_first_record_of_the_sample(name):
    items = list(read(sample(name), now=NOW))
    assert told(items[0]) == GOLDEN[name]
    for item in items:
        check(item)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "folder"])
@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_compressed_and_utf16_files_read_the_same(name, pack, tmp_path):
    plain = sample(name).read_bytes()
    wanted = read_bytes(tmp_path, plain)
    assert read_bytes(tmp_path, pack(plain)) == wanted
    assert read_bytes(tmp_path, b"\xef\xbb\xbf" + plain) == wanted
    assert [told(item) for item in read_bytes(tmp_path, plain.decode().encode("utf-16"))
            if isinstance(item, Record)] == [
        told(item) for item in wanted if isinstance(item, Record)
    ]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_posts_of_the_future_and_of_before_1995_are_bad_rows(name):
    for now in (datetime(2021, 5, 1, tzinfo=UTC), datetime(1994, 1, 1, tzinfo=UTC)):
        items = list(read(sample(name), now=now))
        if name == "bluesky":  # the third event is seen in the same second
            assert all(isinstance(item, BadRow) for item in items)
        assert not any(isinstance(item, Record) and item.posted_at > now + timedelta(days=2)
                       for item in items)  # fmt: skip
        assert any(isinstance(item, BadRow) for item in items)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_mutated_samples_never_raise(name, seed, tmp_path):
    luck = random.Random(seed)
    content = bytearray(sample(name).read_bytes())
    for _ in range(luck.choice((1, 1, 3, 20))):
        at = luck.randrange(len(content))
        match luck.randrange(5):
            case 0:
                content[at] = luck.randrange(256)
            case 1:
                del content[at : at + luck.randrange(40)]
            case 2:
                part = luck.choice(
                    (b"null", b"[]", b"{}", b'"', b"\0", b"\xff", b"-1", b"1e999", b"NaN", b"\n",
                     b'"\\ud800"', b"[[[[", b"9" * 400, b",", b"true", b'\\u0000')
                )  # fmt: skip
                content[at:at] = part
            case 3:
                content[at : at + luck.randrange(30)] = luck.randbytes(luck.randrange(9))
            case 4:
                end = min(len(content), at + luck.randrange(60))
                content[at:at] = content[at:end]
        if not content:
            break
    for format in ("auto", name):
        try:
            for item in read_bytes(tmp_path, bytes(content), format):
                check(item)
        except UnreadableFile as problem:
            assert str(problem)


WILD_VALUES = (
    None, True, -1, 0, 2**70, 1.5, 1e300, "", "x\0\ud800", "NaN", "9" * 400, [], {}, [None], [[]],
    [{}], {"coordinates": [None, "x"]}, [1, 2, 3, 4],
)  # fmt: skip


def every_place(node, path=()):
    """The path of each value inside a JSON document, itself among them."""
    yield path
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield from every_place(node[key], (*path, key))


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in ("folder", "csv", "4cat")])
def test_any_value_may_be_anything(name):
    content = sample(name).read_text()
    lines = [content] if content.startswith(("[", "{\n")) else content.splitlines()
    for line in lines:
        for path in every_place(json.loads(line)):
            for wild in WILD_VALUES:
                document = json.loads(line)
                holder = document
                for key in path[:-1]:
                    holder = holder[key]
                if path:
                    holder[path[-1]] = wild
                stream = BytesIO(json.dumps(document if path else wild).encode())
                try:
                    for item in FORMATS[name].read(stream, "file", NOW):
                        check(item)
                except UnreadableFile as problem:
                    assert str(problem)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=300))
def test_wild_bytes_never_raise(name, content, tmp_path):
    for format in ("auto", name):
        try:
            for item in read_bytes(tmp_path, content, format):
                check(item)
        except UnreadableFile as problem:
            assert str(problem)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \r\n\0", "is empty"),
        (b"%PDF-1.4", "is a PDF"),
        (b"\xff\xd8\xff\xe0" + b"\1" * 40, "single picture"),
        (b"<!DOCTYPE html><p>", "web page"),
        (b'{"a": 1, "b": 2}', "with the fields a, b"),
        (b"just words\n", "beginning 'just words'"),
        (b"\1\0\0\0" * 50, "binary data"),
    ],
)
def test_what_is_no_post_file_is_named(content, words, tmp_path):
    with pytest.raises(UnreadableFile, match=words):
        read_bytes(tmp_path, content)


def test_unknown_formats_and_missing_files(tmp_path):
    with pytest.raises(UnreadableFile, match="Unknown format 'xls'; choose one of auto, folder"):
        read_bytes(tmp_path, b"{}", "xls")
    with pytest.raises(UnreadableFile, match="cannot be opened: No such file"):
        list(read(tmp_path / "gone.csv", now=NOW))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match="no pictures and no files of posts"):
        list(read(tmp_path / "empty", now=NOW))


def test_progress_is_told_in_bytes_of_the_file(tmp_path):
    path = tmp_path / "posts.ndjson.gz"
    line = sample("ndjson").read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(gzip.compress(line * 2500))
    told_bytes: list[int] = []
    assert len(list(read(path, now=NOW, on_bytes=told_bytes.append))) == 2500
    assert len(told_bytes) == 3 and told_bytes == sorted(told_bytes)
    assert told_bytes[-1] == path.stat().st_size


def test_the_real_clock_is_used_where_none_is_given():
    assert isinstance(next(sources.read(sample("ndjson"))), Record)
