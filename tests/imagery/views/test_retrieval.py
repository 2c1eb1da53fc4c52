"""Stored retrieval tables: one, several, as CSV, and who may open them."""

import pytest
from django.test import Client
from django.urls import reverse

from imagery.models import RetrievalRun

pytestmark = pytest.mark.django_db
PAGE = reverse("imagery:retrieval")


def row(descriptor: str, found: float | None, **fields: object) -> dict:
    known = {
        "descriptor": descriptor,
        "network": "",
        "metric": "euclidean",
        "map": found,
        "low": None if found is None else found - 0.05,
        "high": None if found is None else found + 0.05,
        "plain": found,
        "trapezoid": found,
        "dims": None if found is None else 1000,
        "seconds": None if found is None else 0.01,
        "note": "",
    }
    return known | fields


def stored(folder: str = "holidays", naming: str = "holidays", **fields: object) -> RetrievalRun:
    defaults = {
        "parameters": {
            "protocol": "trapezoid", "said": [], "seed": 1, "resamples": 2000,
            "cores": 2, "decoding_s": 0.004, "n_left_out": 1,
        },
        "versions": {"numpy": "2"},
        "digest": "ab" * 32,
        "n_images": 1491,
        "n_queries": 500,
        "n_groups": 500,
        "rows": [
            row("snc", 0.612, network="mobilenet_v2@1"),
            row("hog", 0.101, dims=1764, seconds=0.002),
            row("nc", None, network="vgg16", note="No weights for vgg16. Fetch them."),
        ],
        "problems": [["jpg/broken.jpg", "ends early"]],
    }  # fmt: skip
    return RetrievalRun.objects.create(folder=folder, naming=naming, **(defaults | fields))


def words(client: Client, user, query: str = "") -> str:
    client.force_login(user)
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_page_says_what_to_run(client, viewer):
    assert "manage.py retrieval FOLDER" in words(client, viewer)


def test_the_newest_table_with_the_papers_figures(client, viewer):
    stored("older", "folders")
    run = stored()
    page = words(client, viewer)
    assert "0.612" in page and "0.58" in page and "1,764" in page
    assert "Organizing Images from Social Media" in page
    assert "No weights for vgg16. Fetch them." in page
    assert page.index("0.612") < page.index("0.101")
    assert f"?run={run.pk}" in page and "older" in page


def test_only_holidays_stand_beside_the_paper(client, viewer):
    stored("photos", "folders")
    assert "Organizing Images from Social Media" not in words(client, viewer)


@pytest.mark.parametrize(
    ("sort", "first", "second"),
    [("name", ">HOG", ">SNC"), ("dims", ">SNC", ">HOG"), ("seconds", ">HOG", ">SNC")],
)
def test_the_table_sorts(client, viewer, sort: str, first: str, second: str):
    stored()
    page = words(client, viewer, f"?sort={sort}")
    assert page.index(first) < page.index(second) < page.index(">NC")


def test_runs_side_by_side(client, viewer):
    a, b = stored(), stored("again", rows=[row("hog", 0.222), row("phash", 0.05)])
    page = words(client, viewer, f"?run={a.pk}&run={b.pk}")
    assert "The same files." in page
    assert "0.101" in page and "0.222" in page and "pHash" in page
    other = stored("others", digest="cd" * 32)
    assert "Other files." in words(client, viewer, f"?run={a.pk}&run={other.pk}")


def test_a_row_that_only_one_run_has_leaves_a_gap(client, viewer):
    a, b = stored(rows=[row("hog", 0.3)]), stored(rows=[row("lbp", 0.2)])
    page = words(client, viewer, f"?run={a.pk}&run={b.pk}")
    assert page.count('<td class="right"><span class="quiet">–</span></td>') == 2


@pytest.mark.parametrize("asked", ["99999", "x", "-1", "1" * 30, "²"])
def test_a_run_that_is_not_there(client, viewer, asked: str):
    stored()
    client.force_login(viewer)
    assert client.get(f"{PAGE}?run={asked}").status_code == 404


def test_names_of_files_are_for_who_measured_and_staff(client, viewer, owner):
    stored(user=owner)
    assert "jpg/broken.jpg" in words(client, owner)
    page = words(client, viewer)
    assert "jpg/broken.jpg" not in page and "1 file left out" in page
    viewer.is_staff = True
    viewer.save()
    assert "jpg/broken.jpg" in words(client, viewer)


def test_older_runs_are_pages_away(client, viewer):
    runs = [stored(f"set{at}") for at in range(42)]
    first = words(client, viewer)
    assert "set41" in first and "set1<" not in first
    rest = words(client, viewer, f"?before={runs[2].pk}")
    assert "set1<" in rest and "set0<" in rest and "set3<" not in rest


def test_csv_holds_every_row(client, viewer):
    run = stored()
    client.force_login(viewer)
    answer = client.get(reverse("imagery:retrieval-csv", args=[run.pk]))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("descriptor,network,distance,map,low")
    assert lines[1].startswith("snc,mobilenet_v2@1,euclidean,0.612,")
    assert ",0.58," in lines[1]
    assert lines[3] == "nc,vgg16,euclidean,,,,,,,,0.54,No weights for vgg16. Fetch them."
    assert client.get(reverse("imagery:retrieval-csv", args=[run.pk + 1])).status_code == 404


def test_strangers_and_annotators_find_nothing(client, stranger, annotator):
    run = stored()
    for user in (stranger, annotator):
        client.force_login(user)
        assert client.get(PAGE).status_code == 404
        assert client.get(reverse("imagery:retrieval-csv", args=[run.pk])).status_code == 404
    client.logout()
    assert client.get(PAGE).status_code == 302


def test_few_queries_however_many_runs(client, viewer, django_assert_max_num_queries):
    for at in range(12):
        stored(f"set{at}", user=viewer)
    client.force_login(viewer)
    with django_assert_max_num_queries(6):
        client.get(PAGE)


def test_the_events_page_leads_here(client, viewer):
    client.force_login(viewer)
    assert PAGE in client.get(reverse("imagery:events")).content.decode()
