import pytest

from imagery.core.retrieval_groups import (
    Member,
    by_folders,
    by_holidays,
    by_labels,
    naming_of,
    queries,
    read_labels,
)


def test_naming_is_told_by_most_names() -> None:
    assert naming_of(["100000.jpg", "jpg/100001.jpg", "cover.png"]) == "holidays"
    assert naming_of(["cat/1.jpg", "dog/1.jpg", "cover.png"]) == "folders"
    assert naming_of(["a.jpg", "b.jpg"]) == ""
    assert naming_of([]) == ""


def test_holidays_names_tell_group_and_query() -> None:
    told = by_holidays(["jpg/100000.jpg", "jpg/100001.jpg", "jpg/cover.jpg", "1000000.jpg"])
    assert told.members == [
        Member("jpg/100000.jpg", "1000", may_ask=True),
        Member("jpg/100001.jpg", "1000", may_ask=False),
    ]
    assert [path for path, _ in told.left_out] == ["jpg/cover.jpg", "1000000.jpg"]


def test_folders_are_groups() -> None:
    told = by_folders(["cat/1.jpg", "pets/dog/2.jpg", "loose.jpg"])
    assert [(m.path, m.group) for m in told.members] == [
        ("cat/1.jpg", "cat"),
        ("pets/dog/2.jpg", "pets/dog"),
    ]
    assert told.left_out == [("loose.jpg", "lies in no group's folder")]


def test_labels_by_path_or_by_name_alone() -> None:
    told = by_labels(
        ["in/a.jpg", "in/b.jpg", "in/c.jpg"], {"a.jpg": "7", "in/b.jpg": "8", "z": "9"}
    )
    assert [(m.path, m.group) for m in told.members] == [("in/a.jpg", "7"), ("in/b.jpg", "8")]
    assert told.left_out == [
        ("in/c.jpg", "has no label in the table"),
        ("z", "is in the table, not in the folder"),
    ]


def test_a_table_of_labels() -> None:
    assert read_labels("file,label\na.jpg,cat\n\nb.jpg,dog\n") == {"a.jpg": "cat", "b.jpg": "dog"}
    assert read_labels("\ufeffclass_index,file\n3,x\\a.jpg\n") == {"x/a.jpg": "3"}
    assert read_labels("picture,what\na.jpg,cat\n") == {"a.jpg": "cat"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "header row"),
        ("file\na.jpg\n", "header row"),
        ("file,label\na.jpg\n", "row 2"),
        ("file,label\na.jpg,cat\na.jpg,dog\n", "row 3 .*a.jpg.*dog"),
        ('file,label\n"' + "a" * 200_000, "no table|row 2"),
    ],
)
def test_a_broken_table_is_named(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_labels(text)


def test_queries_leave_out_what_cannot_be_asked() -> None:
    members = [
        Member("a0", "a"),
        Member("a1", "a", may_ask=False),
        Member("alone", "b"),
        Member("c1", "c", may_ask=False),
        Member("c2", "c", may_ask=False),
    ]
    rows, said = queries(members)
    assert rows == [0]
    assert said == [
        "1 group (b) of one picture, with nothing to find",
        "1 group (c) without a query",
    ]


def test_every_picture_of_a_folder_is_asked_with() -> None:
    rows, said = queries([Member(f"{g}/{i}", g) for g in "ab" for i in range(3)])
    assert rows == [0, 1, 2, 3, 4, 5]
    assert said == []
