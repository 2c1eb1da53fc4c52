import pytest

from imagery.models import Event, Job


@pytest.mark.django_db
def test_create_makes_the_person_its_owner(stranger, by_token) -> None:
    client = by_token(stranger)
    body = {"name": "Hurricane Maria, 2017", "timezone": "America/Puerto_Rico", "description": "x"}
    answer = client.post("/api/events/", body, format="json")
    assert answer.status_code == 201
    told = answer.json()
    assert (told["slug"], told["role"]) == ("hurricane-maria-2017", "owner")
    assert (told["posts"], told["first_posted_at"]) == (0, None)
    assert client.get("/api/events/hurricane-maria-2017/").json() == told
    event = Event.objects.get(slug="hurricane-maria-2017")
    assert event.timezone == "America/Puerto_Rico" and event.description == "x"
    assert event.role_of(stranger) == "owner"


BAD = [
    ({}, "name"),
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"name": ["a"]}, "name"),
    ({"name": "!!"}, "slug"),
    ({"name": "A", "slug": "storm"}, "slug"),
    ({"name": "A", "slug": "No Spaces"}, "slug"),
    ({"name": "A", "slug": "-a"}, "slug"),
    ({"name": "A", "slug": "a" * 64}, "slug"),
    ({"name": "A", "timezone": "Mars/Olympus"}, "timezone"),
    ({"name": "A", "timezone": "../etc/passwd"}, "timezone"),
    ({"name": "A", "dedup_threshold": 0}, "dedup_threshold"),
    ({"name": "A", "dedup_threshold": 10**400}, "dedup_threshold"),
    ({"name": "A", "copies": "all"}, "copies"),
    ({"name": "A", "similarity": 0.2}, "similarity"),
    ({"name": "A", "similarity": "nan"}, "similarity"),
    ({"name": "A", "similarity": 10**400}, "similarity"),
    ({"name": "A", "backbone": "skynet"}, "backbone"),
    ({"name": "A", "layer": {"a": 1}}, "layer"),
    ({"name": "A", "n_posts": 5}, "n_posts"),
    ({"name": "A", "is_made": True}, "is_made"),
    ([1, 2], "non_field_errors"),
    ("text", "non_field_errors"),
    (None, "name"),
]


@pytest.mark.django_db
def test_a_bad_event_is_refused_by_its_field(client, event) -> None:
    for body, field in BAD:
        answer = client.post("/api/events/", body, format="json")
        assert answer.status_code == 400, (field, answer.content)
        assert field in answer.json(), answer.content
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_a_malformed_body_is_refused(client, event, settings) -> None:
    for raw in (b"{", b"\xff\xfe", b'{"name": NaN}', b"[" * 100_000, b"9" * 5000):
        answer = client.post("/api/events/", raw, content_type="application/json")
        assert answer.status_code == 400 and answer.json(), raw[:9]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = client.post("/api/events/", {"name": "x" * 100}, format="json")
    assert answer.status_code == 413 and "; 100 is" in answer.json()["detail"]
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_settings_change_and_only_those_of_pictures_start_a_pass(client, event: Event) -> None:
    url = "/api/events/storm/"
    answer = client.patch(url, {"name": "Gale", "similarity": 0.8}, format="json")
    assert answer.status_code == 200 and answer.json()["name"] == "Gale"
    assert not event.jobs.exists()  # the similarity was that already
    answer = client.patch(url, {"similarity": 0.7, "layer": "nc"}, format="json")
    assert (answer.json()["similarity"], answer.json()["layer"]) == (0.7, "nc")
    assert event.jobs.get().stage == "fetch"
    refused = client.patch(url, {"slug": "other"}, format="json")
    assert refused.status_code == 400 and "slug" in refused.json()
    event.refresh_from_db()
    assert (event.name, event.similarity, event.slug) == ("Gale", 0.7, "storm")


@pytest.mark.django_db
def test_delete_stops_the_pass(client, event: Event) -> None:
    assert client.post("/api/events/storm/process/").status_code == 202
    assert client.delete("/api/events/storm/").status_code == 204
    assert not Event.objects.exists() and not Job.objects.exists()
    assert client.get("/api/events/storm/").status_code == 404


@pytest.mark.django_db
def test_process_twice_makes_one_pass_and_another_after_it(client, event: Event) -> None:
    first = client.post("/api/events/storm/process/").json()["job"]
    event.jobs.update(state="running")
    second = client.post("/api/events/storm/process/").json()["job"]
    assert first["id"] == second["id"] and first["stage"] == "fetch"
    assert event.jobs.get().again
    jobs = client.get("/api/events/storm/jobs/?state=running").json()["results"]
    assert [job["id"] for job in jobs] == [first["id"]]
    assert client.get("/api/events/storm/jobs/?state=done").json()["results"] == []


@pytest.mark.django_db
def test_reading_an_event_takes_few_queries(client, made: Event, django_assert_num_queries) -> None:
    with django_assert_num_queries(2):
        client.get("/api/events/")
    with django_assert_num_queries(3):
        client.get("/api/events/storm/")
    with django_assert_num_queries(3):
        client.get("/api/events/storm/jobs/")
