"""Posts by their words, whichever database holds them.

What is asked for goes to the index of `imagery.text_index` as one expression, with marks for the
event, the account, the language and whether there is a picture: nothing needs a post's row to be
told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from imagery import text_index
from imagery.core import wording
from imagery.core.queries import Asked, Term, parse
from imagery.models import Account, Event, Post

NOBODY = "zznobody"  # a mark that no post has
Ids = dict[str, list[int]]  # of accounts, by name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Posts by words, and by what the index knows of them besides."""

    asked: Asked = field(default_factory=Asked)
    account: str = ""
    place: str = ""
    lang: str = ""
    pictured: bool = False

    def __bool__(self) -> bool:
        """Whether the index is needed at all."""
        return bool(self.asked or self.account or self.place or self.lang)


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions on a post's row, which is called p, with their parameters."""

    sql: str = ""
    params: tuple = ()


def posts(events: Sequence[Event], query: str | Wanted) -> QuerySet[Post]:
    """Selected posts of the events that say it; for what may be typed see `core.queries`."""
    wanted = Wanted(parse(query)) if isinstance(query, str) else query
    sql, params = candidates(events, wanted)
    return Post.objects.selected().filter(pk__in=RawSQL(sql, params))  # noqa: S611


def candidates(
    events: Sequence[Event], wanted: Wanted, where: Where | None = None, limit: int | None = None
) -> tuple[str, list]:
    """SQL of the ids of the posts, and its parameters.

    Read from the index one by one, so that a limit ends the work; in no order to speak of.
    """
    where = where or Where()
    condition = f" AND {where.sql}" if where.sql else ""
    end = f" LIMIT {limit:d}" if limit is not None else ""
    if wanted and text_index.is_sqlite():
        found = expression(events, wanted)
        table = text_index.TABLE
        rows = " CROSS JOIN imagery_post p ON p.id = f.rowid" if where.sql else ""
        sql = f"SELECT f.rowid AS id FROM {table} f{rows} WHERE f.{table} MATCH %s"  # noqa: S608
        return sql + condition + end, [found, *where.params]
    holders = ", ".join(["%s"] * len(events)) or "NULL"
    sql = f"SELECT p.id AS id FROM imagery_post p WHERE p.event_id IN ({holders})"  # noqa: S608
    params: list = [event.pk for event in events]
    if wanted.pictured:
        sql += " AND p.has_images"
    if wanted:
        sql += (
            f" AND {text_index.POSTGRES_VECTOR}(p.text, p.hashtags, p.place, p.account_id, p.lang)"
            " @@ %s::tsquery"
        )
        params.append(expression(events, wanted))
    return sql + condition + end, [*params, *where.params]


def expression(events: Sequence[Event], wanted: Wanted) -> str:
    """What is asked for in the index's own language."""
    ids = _accounts(events, wanted)
    return (_fts5 if text_index.is_sqlite() else _tsquery)(events, wanted, ids)


def _accounts(events: Sequence[Event], wanted: Wanted) -> Ids:
    """Ids of the accounts that are named, by the name as asked."""
    names = [term.words[0] for term in wanted.asked.terms if term.kind == "account"]
    found: Ids = {name: [] for name in [*names, _bare(wanted.account)] if name}
    if found:
        rows = Account.objects.filter(event__in=events).alias(low=Lower("handle"))
        for handle, pk in rows.filter(low__in=list(found)).values_list("handle", "pk"):
            found.setdefault(handle.lower(), []).append(pk)
        for uid, pk in rows.filter(uid__in=list(found)).values_list("uid", "pk"):
            found.setdefault(uid.lower(), []).append(pk)
    return found


def _bare(name: str) -> str:
    return name.strip().lstrip("@＠").lower()


# SQLite -------------------------------------------------------------------------------------


def _fts5(events: Sequence[Event], wanted: Wanted, ids: Ids) -> str:
    kind = "p" if wanted.pictured else ""
    parts = [
        "(" + " OR ".join(_fts5_term(term, ids) for term in terms) + ")"
        for terms in wanted.asked.some
    ]
    if wanted.account:
        parts.append(_fts5_marks(f"a{pk}" for pk in ids.get(_bare(wanted.account), [])))
    if wanted.place:
        parts.append(f"place : {_quoted(wording.words(wanted.place))}")
    if wanted.lang:
        parts.append(_fts5_marks([f"l{wording.language(wanted.lang) or NOBODY}"]))
    if wanted.pictured or not _by_accounts(wanted):
        parts.append(_fts5_marks(f"e{event.pk}{kind}" for event in events))
    found = " AND ".join(parts)
    if wanted.asked.none:
        without = " OR ".join(_fts5_term(term, ids) for term in wanted.asked.none)
        return f"({found}) NOT ({without})"
    return found


def _by_accounts(wanted: Wanted) -> bool:
    """Whether only posts of named accounts are found: accounts are their event's own."""
    alone = (all(term.kind == "account" for term in terms) for terms in wanted.asked.some)
    return bool(wanted.account) or any(alone)


def _fts5_term(term: Term, ids: Ids) -> str:
    if term.kind == "account":
        return _fts5_marks(f"a{pk}" for pk in ids.get(term.words[0], []))
    where = "tags" if term.kind == "tag" else "{text tags}"
    return f"{where} : {_quoted(term.words)}{'*' if term.prefix else ''}"


def _fts5_marks(marks: Iterable[str]) -> str:
    return "marks : (" + (" OR ".join(marks) or NOBODY) + ")"


def _quoted(words: Iterable[str]) -> str:
    """Words hold letters and digits alone: see `core.wording`."""
    return f'"{" ".join(words) or NOBODY}"'


# PostgreSQL ---------------------------------------------------------------------------------


def _tsquery(events: Sequence[Event], wanted: Wanted, ids: Ids) -> str:
    parts = [
        "(" + " | ".join(_tsquery_term(term, ids) for term in terms) + ")"
        for terms in wanted.asked.some
    ]
    parts += [f"!{_tsquery_term(term, ids)}" for term in wanted.asked.none]
    if wanted.account:
        parts.append(_tsquery_accounts(ids.get(_bare(wanted.account), [])))
    if wanted.place:
        parts.append(_lexemes(wording.words(wanted.place), "B"))
    if wanted.lang:
        parts.append(f"'~{wording.language(wanted.lang) or NOBODY}'")
    return " & ".join(parts)


def _tsquery_term(term: Term, ids: Ids) -> str:
    if term.kind == "account":
        return _tsquery_accounts(ids.get(term.words[0], []))
    return _lexemes(term.words, "A" if term.kind == "tag" else "AD", term.prefix)


def _tsquery_accounts(ids: Sequence[int]) -> str:
    return "(" + (" | ".join(f"'@{pk}'" for pk in ids) or f"'{NOBODY}'") + ")"


def _lexemes(words: Sequence[str], weights: str, prefix: bool = False) -> str:
    made = [f"'{word}':{weights}" for word in words] or [f"'{NOBODY}'"]
    made[-1] += "*" if prefix and words else ""
    return "(" + " <-> ".join(made) + ")"
