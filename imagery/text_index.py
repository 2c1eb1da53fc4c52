"""The index of posts' words: SQLite's FTS5, or PostgreSQL's full text, over the same words.

On SQLite it is a table of its own, in which a row costs a third of what a trigger would when many
go in at once: new posts are taken up by `catch_up`, and triggers see to changes alone. On
PostgreSQL it is an index like any other, and there is nothing to keep up.

A post is indexed by its text, its hashtags, its place, and by marks that say without reading the
post's row whose it is: event, event with a picture, account, language.
"""

# ruff: noqa: S608 (names of tables and columns, all our own)

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from imagery.core import wording

TABLE = "imagery_post_text"
UPTO = "imagery_post_text_upto"  # one row: the last post indexed, and the version of its words
BATCH = 50_000
POSTGRES_WORDS = f"imagery_words_{wording.VERSION}"
POSTGRES_VECTOR = f"imagery_post_vector_{wording.VERSION}"
# Columns of the FTS5 table, of a post called {row}.
COLUMNS = (
    "imagery_words({row}.text), imagery_tags({row}.hashtags), imagery_words({row}.place), "
    "'e' || {row}.event_id || CASE WHEN {row}.has_images THEN ' e' || {row}.event_id || 'p' "
    "ELSE '' END || ' a' || coalesce({row}.account_id, 0) || ' l' || imagery_language({row}.lang)"
)


class TooLong(Exception):
    """A query that took longer than people wait."""


def is_sqlite(held: BaseDatabaseWrapper = connection) -> bool:
    return held.vendor == "sqlite"


def add_functions(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """What SQLite is to know besides: for every new connection."""
    if is_sqlite(connection):
        made: Any = connection.connection
        made.create_function("imagery_words", 1, wording.indexed, deterministic=True)
        made.create_function("imagery_tags", 1, _tags, deterministic=True)
        made.create_function("imagery_language", 1, wording.language, deterministic=True)


def _tags(hashtags: str) -> str:
    if hashtags == "[]":
        return ""
    try:
        tags = orjson.loads(hashtags)
    except orjson.JSONDecodeError:  # half a character
        return ""
    return wording.indexed(" ".join(map(str, tags)))


def prepare(held: BaseDatabaseWrapper = connection) -> None:
    """Make what is missing of the index; what was made of other words is made anew."""
    with held.cursor() as cursor:
        if held.vendor == "postgresql":
            cursor.execute("SELECT quote_ident(current_schema())")
            for statement in _postgres(cursor.fetchone()[0]):
                cursor.execute(statement)
        elif is_sqlite(held):
            _prepare_sqlite(cursor)


def _prepare_sqlite(cursor: Any) -> None:
    cursor.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5(text, tags, place, marks, "
        "content='', columnsize=0, "
        "tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'\")"
    )
    cursor.execute(f"CREATE TABLE IF NOT EXISTS {UPTO} (last integer, version integer)")
    held = cursor.execute(f"SELECT version FROM {UPTO}").fetchone()
    if held is None or held[0] != wording.VERSION:
        cursor.execute(f"INSERT INTO {TABLE}({TABLE}) VALUES ('delete-all')")
        cursor.execute(f"DELETE FROM {UPTO}")
        cursor.execute(f"INSERT INTO {UPTO} VALUES (0, {wording.VERSION})")
    # A row loses its account only when its event is deleted: see `forget`.
    cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_update")
    cursor.execute(
        f"CREATE TRIGGER {TABLE}_update AFTER UPDATE OF event_id, account_id, text, lang, "
        f"hashtags, place, has_images ON imagery_post "
        f"WHEN old.id <= (SELECT last FROM {UPTO}) AND (old.text IS NOT new.text OR "
        "old.hashtags IS NOT new.hashtags OR old.place IS NOT new.place OR "
        "old.lang IS NOT new.lang OR old.has_images IS NOT new.has_images OR "
        "old.event_id IS NOT new.event_id OR "
        "(old.account_id IS NOT new.account_id AND new.account_id IS NOT NULL)) "
        f"BEGIN INSERT INTO {TABLE}({TABLE}, rowid, text, tags, place, marks) "
        f"VALUES ('delete', old.id, {COLUMNS.format(row='old')}); "
        f"INSERT INTO {TABLE}(rowid, text, tags, place, marks) "
        f"VALUES (new.id, {COLUMNS.format(row='new')}); END"
    )


@contextmanager
def bounded(seconds: float = 4.0) -> Iterator[None]:
    """Queries that give up after so long, and raise TooLong: a search is never to hang."""
    try:
        if not is_sqlite():
            with transaction.atomic(), connection.cursor() as cursor:
                # Compiling takes longer than such a query.
                within = f"SET LOCAL statement_timeout = {int(seconds * 1000)}"
                cursor.execute(f"{within}; SET LOCAL jit = off")
                yield
            return
        connection.ensure_connection()
        end = time.monotonic() + seconds
        held: Any = connection.connection
        held.set_progress_handler(lambda: int(time.monotonic() > end), 20_000)
        try:
            yield
        finally:
            held.set_progress_handler(None, 0)
    except OperationalError as error:
        if "interrupted" in str(error) or "statement timeout" in str(error):
            raise TooLong from error
        raise


def n_waiting() -> int:
    """About how many of the latest posts are not indexed yet."""
    last, top = ends()
    return max(0, top - last)


def ends() -> tuple[int, int]:
    """The last post that is indexed, and the last there is."""
    indexed = f"(SELECT last FROM {UPTO})" if is_sqlite() else "coalesce(max(id), 0)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {indexed}, coalesce(max(id), 0) FROM imagery_post")
        return cursor.fetchone()


def catch_up(least: int = 1) -> int:
    """Index the posts that came since the last time, if there are so many; safe to repeat.

    Returns how many ids that were. About 25 µs a post.
    """
    if not is_sqlite() or n_waiting() < least:
        return 0
    n = 0
    while True:
        with transaction.atomic():
            last, top = ends()
            if top <= last:
                return n
            to = min(top, last + BATCH)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {TABLE}(rowid, text, tags, place, marks) "
                    f"SELECT p.id, {COLUMNS.format(row='p')} FROM imagery_post p "
                    "WHERE p.id > %s AND p.id <= %s",
                    [last, to],
                )
                cursor.execute(f"UPDATE {UPTO} SET last = %s", [to])
            n += to - last


def forget(event_id: int, ids: Sequence[int] | None = None) -> None:
    """Take the event's posts out, or those of them, which are about to be deleted. Those of a
    deleted event that stayed are found by nobody, for ids are not given twice."""
    if not is_sqlite():
        return
    last, _ = ends()
    some = "" if ids is None else f" AND p.id IN ({', '.join(['%s'] * len(ids))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE}({TABLE}, rowid, text, tags, place, marks) "
            f"SELECT 'delete', p.id, {COLUMNS.format(row='p')} FROM imagery_post p "
            f"WHERE p.event_id = %s AND p.id <= %s{some}",
            [event_id, last, *(ids or ())],
        )


def _postgres(schema: str) -> list[str]:
    """Statements that make the index. The functions name their schema: a dump is put back without
    any in its path."""
    words = f"{schema}.{POSTGRES_WORDS}"
    apart = "".join(char if char == "-" else f"\\U{ord(char):08x}" for char in wording.APART)
    return [
        f"""CREATE OR REPLACE FUNCTION {POSTGRES_WORDS}(said text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT regexp_replace(CASE WHEN octet_length(said) = length(said) -- ASCII, which costs less
            THEN lower(left(said, {wording.MOST}))
            ELSE regexp_replace(lower(normalize(regexp_replace(
                normalize(left(said, {wording.MOST}), NFKD), '[\\u0300-\\u036f]', '', 'g'), NFC)),
                '([{apart}])', ' \\1 ', 'g') END, '[!-/:-@\\[-`{{-~]', ' ', 'g')
        $$""",
        f"""CREATE OR REPLACE FUNCTION {POSTGRES_VECTOR}(
            said text, hashtags jsonb, place text, account bigint, lang text)
        RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
        SELECT to_tsvector('simple', {words}(said))
            || setweight(to_tsvector('simple', {words}(
                (SELECT coalesce(string_agg(tag, ' '), '')
                 FROM jsonb_array_elements_text(hashtags) AS tag))), 'A')
            || setweight(to_tsvector('simple', {words}(place)), 'B')
            || array_to_tsvector(ARRAY['@' || coalesce(account, 0),
                '~' || split_part(translate(lower(lang), '_', '-'), '-', 1)])
        $$""",
        f"CREATE INDEX IF NOT EXISTS {POSTGRES_VECTOR} ON imagery_post USING gin "
        f"({POSTGRES_VECTOR}(text, hashtags, place, account_id, lang))",
    ]
