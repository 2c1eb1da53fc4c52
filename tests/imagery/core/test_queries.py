"""What is typed into a search field, made ready."""

from hypothesis import given
from hypothesis import strategies as st

from imagery.core import queries
from imagery.core.queries import Term, marked, parse


def word(*words: str, prefix: bool = False) -> Term:
    return Term("words", words, prefix)


def test_words_must_all_be_there() -> None:
    asked = parse("Storm san-juan")
    assert asked.some == ((word("storm"),), (word("san", "juan"),))
    assert asked.none == ()


def test_phrases_without_and_either() -> None:
    asked = parse('"San Juan" OR flood -"made up" −fake AND roof*')
    assert asked.some == ((word("san", "juan"), word("flood")), (word("roof", prefix=True),))
    assert asked.none == (word("made", "up"), word("fake"))


def test_tags_and_accounts() -> None:
    asked = parse("#Maria #pue* @Ana_B -@bot")
    assert asked.some == (
        (Term("tag", ("maria",)),), (Term("tag", ("pue",), True),), (Term("account", ("ana_b",)),),
    )  # fmt: skip
    assert asked.none == (Term("account", ("bot",)),)


def test_what_holds_no_word_is_left_out() -> None:
    assert not parse('- "" () OR * ! 🔥 @ #')
    assert parse("OR a OR").some == ((word("a"),),)


def test_what_was_left_out_is_said() -> None:
    assert parse("a*").some == ((word("a"),),) and parse("a*").notes
    assert len(parse("w " * 250).some) == queries.MOST_TERMS and parse("w " * 250).notes
    assert parse("x" * 600).notes
    assert parse("😀").notes and parse('"').notes
    assert not parse("").notes and not parse("  ").notes and not parse("-storm").notes


def test_an_open_phrase_ends_with_the_query() -> None:
    assert parse('roof "San Juan').some == ((word("roof"),), (word("san", "juan"),))


def test_marking() -> None:
    text = "Café on the STORM: 昨日台風が, storms"
    found = [piece.text for piece in marked(text, parse("cafe storm* 台風 -the")) if piece.found]
    assert found == ["Café", "STORM", "台風", "storms"]
    assert "".join(piece.text for piece in marked(text, parse("on"))) == text


def test_of_a_long_text_the_part_with_the_word_is_shown() -> None:
    pieces = marked("a " * 400 + "storm" + " b" * 400, parse("storm"), most=100)
    assert [piece.text for piece in pieces if piece.found] == ["storm"]
    assert pieces[0].text == pieces[-1].text == "…"
    assert sum(len(piece.text) for piece in pieces) <= 102


@given(st.text(max_size=80), st.text(max_size=120), st.integers(10, 60))
def test_nothing_typed_is_an_error(query: str, text: str, most: int) -> None:
    asked = parse(query)
    assert len(asked.terms) <= queries.MOST_TERMS
    assert all(word for term in asked.terms for word in term.words)
    pieces = marked(text, asked, most)
    shown = "".join(piece.text for piece in pieces).strip("…")
    assert shown in text and all(piece.text for piece in pieces)
