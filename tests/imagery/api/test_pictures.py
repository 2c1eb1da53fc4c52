"""Unique images, groups, links and posts as the API tells them."""

import pytest

from imagery.models import Event, Image, Link, Post, UniqueImage
from tests import factories

BASE = "/api/events/storm"


@pytest.fixture
def top(made: Event) -> UniqueImage:
    return UniqueImage.objects.get(event=made, rank=1)


@pytest.mark.django_db
def test_a_unique_image_of_the_list(client, top: UniqueImage) -> None:
    told = client.get(f"{BASE}/images/").json()["results"][0]
    image = top.representative
    assert told == {
        "id": top.pk,
        "rank": 1,
        "representative": {
            "sha256": image.sha256,
            "width": 96,
            "height": 72,
            "format": "JPEG",
            "thumb": f"http://testserver{BASE}/thumbs/{image.sha256}/320.jpg",
            "file": f"http://testserver{BASE}/files/{image.sha256}/",
        },
        "posts": 24,
        "copies": 1,
        "urls": 1,
        "accounts": 5,
        "group": top.pk,
        "apart": False,
        "name": "",
        "growth": top.growth,
        "first_posted_at": "2017-09-20T10:00:00Z",
        "last_posted_at": "2017-09-20T14:13:00Z",
        "peak_at": top.peak_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@pytest.mark.django_db
def test_files_are_given_to_whoever_has_a_token(client, top: UniqueImage) -> None:
    told = client.get(f"{BASE}/images/").json()["results"][0]["representative"]
    for name in ("thumb", "file"):
        answer = client.get(told[name])
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert b"".join(answer.streaming_content) == factories.jpeg(0, (96, 72), 88)
    assert client.get(told["thumb"].replace("320", "321")).status_code == 404


@pytest.mark.django_db
def test_one_image_with_its_copies(client, made: Event) -> None:
    unique = UniqueImage.objects.get(event=made, representative__links__url__contains="/002-0")
    told = client.get(f"{BASE}/images/{unique.pk}/").json()
    assert (told["id"], told["posts"], told["n_copies"]) == (unique.pk, 8, 3)
    copies = {copy["urls"][0]: copy for copy in told["copies"]}
    assert set(copies) == {f"https://pictures.example/002-{i}.jpg" for i in range(3)}
    copy = copies["https://pictures.example/002-2.jpg"]
    image = Image.objects.get(links__url="https://pictures.example/002-2.jpg")
    want = {
        "sha256": image.sha256, "width": 112, "height": 54, "bytes": image.n_bytes, "distance": 4,
        "posts": 2, "n_urls": 1, "flags": ["blurry"], "format": "JPEG", "phash": image.phash,
    }  # fmt: skip
    assert {name: copy[name] for name in want} == want
    assert sum(copy["posts"] for copy in told["copies"]) == 8
    assert told["hashes"]["pdq"] == unique.representative.pdq
    assert told["top_classes"][0] == {"name": "harbor", "probability": 0.78}
    assert {"tag": "storm", "posts": 8} in told["hashtags"]
    near = told["nearest"][0]
    assert near["similarity"] == pytest.approx(1 / 1.05, abs=1e-6)
    assert near["image"]["thumb"].endswith("/320.jpg")


@pytest.mark.django_db
def test_a_copy_tells_its_most_posted_urls_and_how_many_there_are(
    client, top: UniqueImage, monkeypatch
) -> None:
    from imagery.api import pictures

    monkeypatch.setattr(pictures, "URLS", 2)
    for n in (50, 30, 40):
        factories.link(
            top.event, f"https://pictures.example/more-{n}", image=top.representative, n_posts=n
        )
    (copy,) = client.get(f"{BASE}/images/{top.pk}/").json()["copies"]
    assert copy["urls"] == [f"https://pictures.example/more-{n}" for n in (50, 40)]
    assert copy["n_urls"] == 4


@pytest.mark.django_db
def test_copies_beyond_the_cap_are_walked(client, made: Event, monkeypatch) -> None:
    from imagery.api import pictures

    monkeypatch.setattr(pictures, "COPIES", 2)
    unique = UniqueImage.objects.filter(event=made, n_copies=3).first()
    told = client.get(f"{BASE}/images/{unique.pk}/").json()
    assert (len(told["copies"]), told["n_copies"]) == (2, 3)
    assert len(client.get(f"{BASE}/images/{unique.pk}/copies/").json()["results"]) == 3


@pytest.mark.django_db
def test_filters(client, made: Event) -> None:
    for query, posts in {
        "min_posts=8": [24, 12, 8],
        "min_posts=25": [],
        "min_copies=3": [8, 4],
        "first_after=2017-09-20T12:28:00Z": [4, 4, 3],
        "first_before=2017-09-20T10:37:00Z": [24],
        "first_before=2017-09-20T10:37:00.001Z&min_copies=2": [12],
    }.items():
        answer = client.get(f"{BASE}/images/?{query}")
        assert [row["posts"] for row in answer.json()["results"]] == posts, query


@pytest.mark.django_db
def test_filter_by_group(client, top: UniqueImage) -> None:
    rows = client.get(f"{BASE}/images/?group={top.pk}").json()["results"]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert {row["group"] for row in rows} == {top.pk}


@pytest.mark.django_db
def test_groups(client, top: UniqueImage) -> None:
    page = client.get(f"{BASE}/groups/").json()
    assert (page["similarity"], page["total"], page["next"]) == (0.8, 3, None)
    first = page["results"][0]
    assert first.pop("images")[0]["id"] == top.pk
    assert first == {
        "id": top.pk, "names": [], "posts": 24 + 12 + 8, "members": 3, "best_rank": 1,
        "worst_rank": 3, "mean_rank": 2.0, "first_posted_at": "2017-09-20T10:00:00Z",
        "last_posted_at": "2017-09-20T15:05:00Z",
    }  # fmt: skip
    assert client.get(f"{BASE}/groups/?min_members=3").json()["total"] == 2
    assert client.get(f"{BASE}/groups/?min_posts=44").json()["total"] == 1
    assert client.get(f"{BASE}/groups/?similarity=0.99").json()["total"] == 7


@pytest.mark.django_db
def test_a_group_is_found_by_any_of_its_members(client, top: UniqueImage) -> None:
    second = UniqueImage.objects.get(event=top.event, rank=2)
    told = client.get(f"{BASE}/groups/{second.pk}/").json()
    assert told["group"]["id"] == top.pk
    assert [row["rank"] for row in told["results"]] == [1, 2, 3]
    alone = client.get(f"{BASE}/groups/{second.pk}/?similarity=0.99").json()
    assert alone["group"]["id"] == second.pk and len(alone["results"]) == 1
    assert client.get(f"{BASE}/groups/999999/").status_code == 404


@pytest.mark.django_db
def test_links(client, made: Event, top: UniqueImage) -> None:
    rows = client.get(f"{BASE}/urls/").json()["results"]
    assert rows[0]["url"] == "https://pictures.example/000-0.jpg"
    assert (rows[0]["posts"], rows[0]["image"]) == (24, top.pk)
    assert rows[0]["sha256"] == top.representative.sha256
    (failed,) = client.get(f"{BASE}/urls/?state=failed").json()["results"]
    assert (failed["image"], failed["sha256"], failed["posts"]) == (None, None, 2)
    assert failed["reason"] == "the server answered 404 Not Found"
    assert client.get(f"{BASE}/urls/?kind=gone&min_posts=3").json()["results"] == []


@pytest.mark.django_db
def test_an_image_that_could_not_be_read_says_why(client, made: Event) -> None:
    image = factories.image(made, factories.jpeg(50), reason="too many pixels", phash="")
    factories.link(made, "https://pictures.example/big", image=image, n_posts=99, state="fetched")
    told = client.get(f"{BASE}/urls/?limit=1").json()["results"][0]
    assert (told["reason"], told["image"], told["sha256"]) == (
        "too many pixels", None, image.sha256,
    )  # fmt: skip


@pytest.mark.django_db
def test_posts_tell_what_is_unknown_as_null(client, made: Event, top: UniqueImage) -> None:
    Post.objects.filter(uid="1001").update(likes=0, selected=True)
    rows = client.get(f"{BASE}/posts/?image={top.pk}&limit=200").json()["results"]
    assert len(rows) == 24
    by_uid = {row["uid"]: row for row in rows}
    assert by_uid["1000"]["likes"] is None and by_uid["1001"]["likes"] == 0
    assert by_uid["1001"]["views"] is None and by_uid["1001"]["lat"] is None
    assert by_uid["1000"]["account"]["handle"] == "person0"
    assert by_uid["1000"]["urls"] == ["https://pictures.example/000-0.jpg"]
    assert by_uid["1000"]["images"] == [top.pk]
    Post.objects.filter(uid="1001").update(selected=False, account=None)
    assert len(client.get(f"{BASE}/posts/?image={top.pk}").json()["results"]) == 23


@pytest.mark.django_db
def test_a_post_with_two_files_of_one_image_names_it_once(client, made: Event) -> None:
    post = Post.objects.get(event=made, uid="1024")
    (told,) = (
        row for row in client.get(f"{BASE}/posts/?limit=200").json()["results"]
        if row["id"] == post.pk
    )  # fmt: skip
    assert told["urls"] == [f"https://pictures.example/001-{i}.jpg" for i in range(2)]
    assert len(told["images"]) == 1


@pytest.mark.django_db
def test_posts_between_two_times(client, made: Event) -> None:
    begin, end = "2017-09-20T11:00:00Z", "2017-09-20T12:00:00Z"
    rows = client.get(f"{BASE}/posts/?after={begin}&before={end}&limit=200").json()["results"]
    want = Post.objects.filter(event=made, posted_at__gte=begin, posted_at__lt=end).count()
    assert len(rows) == want > 0
    assert all(begin <= row["posted_at"] < end for row in rows)


@pytest.mark.django_db
@pytest.mark.parametrize("n_unique", [3, 9])
def test_lists_take_as_many_queries_whatever_their_length(
    client, event: Event, n_unique: int, django_assert_num_queries
) -> None:
    made = factories.organised(event, n_unique=n_unique)
    unique = UniqueImage.objects.filter(event=made).latest("rank")
    counts = {
        "images/": 3, f"images/{unique.pk}/": 8, f"images/{unique.pk}/copies/": 6,
        "groups/": 7, f"groups/{unique.pk}/": 9, "urls/": 3, "posts/": 4,
        f"posts/?image={unique.pk}": 5, "imports/": 3,
    }  # fmt: skip
    for path in counts:
        client.get(f"{BASE}/{path}")  # fills the caches of arrays
    for path, n in counts.items():
        with django_assert_num_queries(n, info=path):
            assert client.get(f"{BASE}/{path}").status_code == 200


@pytest.mark.django_db
def test_an_event_without_posts_has_empty_lists(client, event: Event) -> None:
    for path in ("images/", "groups/", "urls/", "posts/", "imports/", "jobs/"):
        page = client.get(f"{BASE}/{path}").json()
        assert (page["results"], page["next"]) == ([], None), path
    assert not Link.objects.exists()
