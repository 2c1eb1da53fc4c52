import csv
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import BytesIO

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFile

from imagery import demo
from imagery.demo import crowd, shots, story
from imagery.demo.files import MadeFile, _versions
from imagery.sources.afterimage_ndjson import AfterimageNdjson

NOW = datetime(2024, 5, 20, 15, 30, tzinfo=UTC)
N_POSTS, N_FILES = 240, 48


@pytest.fixture(scope="module")
def steps() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def made(tmp_path_factory, steps):
    return demo.make(
        tmp_path_factory.mktemp("demo"),
        n_posts=N_POSTS,
        n_files=N_FILES,
        now=NOW,
        progress=lambda *step: steps.append(step),
    )


@pytest.fixture(scope="module")
def rows(made):
    return [json.loads(line) for line in made.posts.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def truth(made):
    with made.truth.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def at(row) -> datetime:
    return datetime.fromisoformat(row["posted_at"])


def shown(rows) -> list[dict]:
    return [image for row in rows for image in row.get("images", ())]


def hash_of(path):
    with Image.open(path) as image:
        return imagehash.phash(image.convert("RGB"))


def test_counts_are_those_asked_for(made, rows):
    assert len(rows) == made.n_posts == N_POSTS
    assert len(list(made.images.iterdir())) == made.n_files == N_FILES
    assert len({row["id"] for row in rows}) == N_POSTS
    assert made.n_urls == len({image["url"] for image in shown(rows)}) > N_FILES
    assert made.n_accounts == len({row["account"]["id"] for row in rows})
    without = sum("images" not in row for row in rows)
    assert without == N_POSTS // 4 - len(made.dead_links)


def test_every_file_is_posted_and_every_posted_file_is_there_or_known_to_be_gone(made, rows):
    on_disk = {path.name for path in made.images.iterdir()}
    posted = {image["file"] for image in shown(rows)}
    assert posted - on_disk == set(made.dead_links)
    assert len(made.dead_links) == 2
    assert on_disk <= posted


def test_truth_names_each_readable_file_and_no_other(made, truth):
    on_disk = {path.name for path in made.images.iterdir()}
    assert set(truth) == on_disk - set(made.faults)
    assert {row["strength"] for row in truth.values()} == {"mild", "strong"}
    known = set(shots.BY_NAME)
    assert {s for row in truth.values() if not (s := row["source"]).startswith("blank-")} <= known


def test_readable_files_open_and_faulty_ones_do_not(made, truth):
    for name, row in truth.items():
        if row["kind"] == "truncated":
            with pytest.raises(OSError, match="truncated"):
                Image.open(made.images / name).load()
        else:
            Image.open(made.images / name).load()
    for name in made.faults:
        with pytest.raises((OSError, Image.DecompressionBombError)):
            Image.open(made.images / name).load()


def test_odd_formats_are_what_they_say(made, truth):
    path = {row["kind"]: made.images / name for name, row in truth.items()}
    assert Image.open(path["animated"]).n_frames == 6
    assert Image.open(path["transparent"]).mode == "RGBA"
    assert Image.open(path["webp"]).format == "WEBP"
    assert Image.open(path["cmyk"]).mode == "CMYK"
    assert Image.open(path["palette"]).mode == "P"
    assert Image.open(path["turned"]).getexif()[0x0112] == 6
    parser = ImageFile.Parser()
    parser.feed(path["truncated"].read_bytes())
    assert parser.image is not None and parser.image.size == (1024, 683)


def test_mild_edits_keep_the_hash_and_sources_are_far_apart(made, truth):
    originals, edited = {}, []
    for name, row in sorted(truth.items()):
        if row["source"].startswith("blank-"):
            continue
        if row["kind"] == "same":
            originals.setdefault(row["source"], hash_of(made.images / name))
        elif row["strength"] == "mild" and row["kind"] != "turned":
            edited.append((row["source"], row["kind"], name))
    assert len(originals) >= 6 and len(edited) >= 12
    for source, kind, name in edited:
        assert hash_of(made.images / name) - originals[source] < 8, (source, kind)
    for a, b in itertools.combinations(originals, 2):
        assert originals[a] - originals[b] >= 12, (a, b)


def test_nobody_is_made_a_meme():
    pairs = [(shot.photograph, kind) for seed in range(3) for shot, kind in _versions(400, seed)]
    assert ("cat", "caption") in pairs and ("astronaut", "border") in pairs
    assert not {("astronaut", "caption"), ("camera", "caption")} & set(pairs)


def test_all_shots_are_different_pictures():
    hashes = {
        shot.name: imagehash.phash(Image.fromarray(shots.picture(shot))) for shot in shots.SHOTS
    }
    assert len(hashes) >= 50
    close = [(a, b) for a, b in itertools.combinations(hashes, 2) if hashes[a] - hashes[b] < 12]
    assert close == []


def test_same_seed_same_bytes_another_seed_others(made, tmp_path):
    def content(event):
        files = sorted(event.images.iterdir())
        return [
            event.posts.read_bytes(),
            event.truth.read_bytes(),
            *(f.read_bytes() for f in files),
        ]

    again = demo.make(tmp_path / "again", n_posts=N_POSTS, n_files=N_FILES, now=NOW)
    assert content(again) == content(made)
    other = demo.make(tmp_path / "other", seed=8, n_posts=100, n_files=24, now=NOW)
    assert content(other)[0] != content(made)[0]


def test_posts_come_in_order_and_end_a_day_before_now(made, rows):
    times = [at(row) for row in rows]
    assert times == sorted(times)
    assert made.starts_at <= times[0] and times[-1] < made.ends_at <= NOW - timedelta(days=1)
    assert made.ends_at - made.starts_at == timedelta(days=8)
    assert times[-1] - times[0] > timedelta(days=6)


def test_reposts_point_back_to_the_post_they_repeat(rows):
    by_id = {row["id"]: row for row in rows}
    reposts = [row for row in rows if "repost_of" in row]
    assert len(reposts) >= 5
    for row in reposts:
        first = by_id[row["repost_of"]]
        assert at(first) <= at(row) and first["images"] == row["images"]
        assert first["account"]["id"] != row["account"]["id"]
        assert row["text"] == f"RT @{first['account']['handle']}: {first['text']}"


def test_unknown_figures_are_left_out_and_known_ones_are_counts(rows):
    unknown = [row for row in rows if "likes" not in row]
    assert 0.05 < len(unknown) / len(rows) < 0.25
    for row in rows:
        for key in ("likes", "reposts", "comments", "views"):
            assert key not in row or (isinstance(row[key], int) and row[key] >= 0)
        assert row.get("views", 10**9) >= row.get("likes", 0)


def test_places_lie_on_the_coast_of_the_story(rows):
    located = [row for row in rows if "lat" in row]
    named = [row for row in rows if "place" in row]
    assert 0.1 < len(located) / len(rows) < len(named) / len(rows) < 0.45
    towns = {name: (lat, lon) for name, lat, lon, _ in story.PLACES}
    for row in located:
        lat, lon = towns[row["place"]]
        assert abs(row["lat"] - lat) < 0.02 and abs(row["lon"] - lon) < 0.025
    assert {row["place"] for row in named} <= set(towns)


def test_several_languages_albums_and_addresses_per_file(rows):
    assert len({row["lang"] for row in rows}) >= 4
    assert max(len(row.get("images", ())) for row in rows) in (2, 3, 4)
    addresses: dict[str, set[str]] = {}
    for image in shown(rows):
        addresses.setdefault(image["file"], set()).add(image["url"])
    assert max(map(len, addresses.values())) >= 3
    assert sum(map(len, addresses.values())) == len(set().union(*addresses.values()))


def test_activity_is_heavy_tailed():
    shares = crowd.activity(1000)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] / shares[99] == pytest.approx(100**0.9)
    assert shares[:100].sum() > 0.5


def test_few_accounts_post_much_and_most_post_little(rows):
    counts = sorted(Counter(row["account"]["id"] for row in rows).values(), reverse=True)
    assert counts[0] > 5 * np.median(counts)
    assert sum(counts[: len(counts) // 5]) > 0.45 * N_POSTS


def test_bursts_stand_out_and_nights_are_quiet():
    rng = np.random.default_rng(1)
    files = [MadeFile(f"{t}.jpg", t, t, "same", "mild") for t in ("launch", "cat", "coffee")]
    hours = np.array([hour for hour, _ in crowd.picture_moments(files, 900, rng)])
    assert hours.min() >= 0 and hours.max() < crowd.WINDOW_H
    per_hour = np.histogram(hours, bins=np.arange(0, crowd.WINDOW_H + 1))[0]
    assert per_hour.max() > 12 * per_hour.mean()
    of_day = hours.astype(int) % 24
    assert ((of_day >= 2) & (of_day < 6)).mean() < 0.05


def test_followers_may_be_unknown_and_handles_are_unique():
    people = crowd.people(400, np.random.default_rng(2))
    assert len({person.handle for person in people}) == len({p.uid for p in people}) == 400
    known = [person.followers for person in people if person.followers is not None]
    assert 0.88 < len(known) / 400 < 0.99
    assert 100 < np.median(known) < 400 and max(known) > 20 * np.median(known)


def test_our_own_importer_reads_every_post(made, rows):
    source = AfterimageNdjson()
    data = made.posts.read_bytes()
    assert source.sniff(data[:65536], "posts.ndjson")
    records = list(source.read(BytesIO(data), "posts.ndjson", NOW))
    assert [record.uid for record in records] == [row["id"] for row in rows]
    for record, row in zip(records, rows, strict=True):
        assert record.posted_at == at(row)
        assert record.account.followers == row["account"].get("followers")
        assert (record.likes, record.views) == (row.get("likes"), row.get("views"))
        assert (record.lat, record.place) == (row.get("lat"), row.get("place", ""))
        assert [image.file for image in record.images] == [i["file"] for i in row.get("images", ())]
        assert list(record.hashtags) == row["hashtags"] and record.lang == row["lang"]
        assert record.repost_of == row.get("repost_of", "")


def test_refuses_too_few_posts_files_and_a_time_without_its_zone(tmp_path):
    with pytest.raises(ValueError, match="40 posts show 30 pictures: too few for 31 files"):
        demo.make(tmp_path, n_posts=40, n_files=31, now=NOW)
    with pytest.raises(ValueError, match="at least 24 files, got 20"):
        demo.make(tmp_path, n_posts=100, n_files=20, now=NOW)
    with pytest.raises(ValueError, match="timezone"):
        demo.make(tmp_path, n_posts=100, n_files=24, now=NOW.replace(tzinfo=None))
    assert list(tmp_path.iterdir()) == []


def test_says_which_photograph_is_missing(monkeypatch):
    monkeypatch.setitem(shots.PHOTOGRAPHS, "nowhere", ("skimage", "data/nowhere.png"))
    with pytest.raises(
        shots.PhotographMissing, match=r"skimage no longer carries data/nowhere\.png"
    ):
        shots.picture(shots.Shot("x", "stars", "nowhere"))


def test_progress_counts_every_file(made, steps):
    assert steps == [(n, N_FILES) for n in range(1, N_FILES + 1)]
