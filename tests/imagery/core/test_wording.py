"""Words as they are indexed, asked for and marked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagery.core import wording


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The STORM, again!", ["the", "storm", "again"]),
        ("Café São-Paulo", ["cafe", "sao", "paulo"]),
        ("Cafe\u0301", ["cafe"]),  # an accent of its own
        ("ＦＵＬＬ ﬁre", ["full", "fire"]),
        ("foo_bar #tag2 @name", ["foo", "bar", "tag2", "name"]),
        ("昨日台風が", ["昨", "日", "台", "風", "が"]),
        ("태풍이 왔다", ["태", "풍", "이", "왔", "다"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("ураган Мария", ["ураган", "мария"]),
        ("إعصار", ["إعصار"]),
        ("🔥 … —", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    found = wording.words(text)
    assert found == [wording.folded(word) for word in words]


def test_a_word_knows_where_it_stands() -> None:
    text = "Ánd 台風!"
    assert [(text[a:b], word) for a, b, word in wording.spans(text)] == [
        ("Ánd", "and"), ("台", "台"), ("風", "風"),
    ]  # fmt: skip


def test_a_long_text_is_indexed_so_far() -> None:
    assert len(wording.indexed("a" * (wording.MOST + 5))) == wording.MOST


def test_a_language_is_its_first_part() -> None:
    assert [wording.language(n) for n in ("en-GB", "zh_Hant", "", "x e5")] == ["en", "zh", "", "x"]


@given(st.text(max_size=60))
def test_folding_again_changes_nothing(text: str) -> None:
    for begin, end, word in wording.spans(text):
        assert 0 <= begin < end <= len(text)
        assert word and wording.folded(word) == word
        assert not set(word) & set(" \"'()*:^-+&|!\\\0")
