"""Writing many rows: one prepared INSERT or UPDATE run for each, or PostgreSQL's COPY.

Django's bulk_create makes an object and a placeholder per value, and its bulk_update a CASE
expression per field and row, which cost more than the writing; this is what executemany is for.
On PostgreSQL many rows go by COPY, into a table of the transaction's own where conflicts are to be
passed over or rows to be changed: one statement then does the rest.
"""

# ruff: noqa: S608 (names of tables and columns, all our own)

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import connection, models, transaction
from django.db.models.constants import OnConflict

COPIED_FROM = 40  # rows; fewer cost less by statements than by a table made for them
BROUGHT = "imagery_brought"  # the transaction's own table of rows on their way


def insert_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    ignore_conflicts: bool = False,
) -> None:
    """Insert rows given by those columns ("account_id"); all others get their field's default.

    Values must fit their columns: nothing is cut or checked. Ids are the database's to give.
    """
    if not rows:
        return
    fields: dict[str, Any] = {field.attname: field for field in model._meta.concrete_fields}
    given = [fields[name] for name in columns]
    left = [f for f in fields.values() if f not in given and not f.primary_key]
    copied = _is_copied(len(rows))
    adapters = [(at, adapt) for at, field in enumerate(given) if (adapt := _adapter(field, copied))]
    defaults = [_default(field, copied) for field in left]
    values = []
    for row in rows:
        made = [*row, *defaults]
        for at, adapt in adapters:
            made[at] = adapt(made[at])
        values.append(made)
    if copied:
        _copy_in(model, [*given, *left], values, ignore_conflicts)
        return
    conflict = OnConflict.IGNORE if ignore_conflicts else None
    quote, ops = connection.ops.quote_name, connection.ops
    statement = (
        f"{ops.insert_statement(on_conflict=conflict)} {quote(model._meta.db_table)} "
        f"({_names([*given, *left])}) VALUES ({', '.join(['%s'] * (len(given) + len(left)))}) "
        f"{ops.on_conflict_suffix_sql(given, conflict, [], [])}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def update_rows(rows: Iterable[models.Model], fields: Sequence[str]) -> int:
    """Write those fields of the rows, all of one model; returns how many rows there were.

    Of two rows of one id the later counts.
    """
    given = list(rows)
    if not given:
        return 0
    meta = given[0]._meta
    columns: list[Any] = [meta.get_field(name) for name in fields]
    if _is_copied(len(given)):
        last = {row.pk: row for row in given}
        adapters = [(c.attname, _adapter(c, copied=True) or _prepared(c)) for c in columns]
        values = [
            [pk, *(adapt(getattr(row, name)) for name, adapt in adapters)]
            for pk, row in last.items()
        ]
        _copy_over(meta.db_table, [meta.pk, *columns], values)
        return len(given)
    quote = connection.ops.quote_name
    assigned = ", ".join(f"{quote(column.column)} = %s" for column in columns)
    key = meta.pk.column or "id"  # type: ignore[union-attr]
    statement = f"UPDATE {quote(meta.db_table)} SET {assigned} WHERE {quote(key)} = %s"
    values = [[*(_prepared(c)(getattr(row, c.attname)) for c in columns), row.pk] for row in given]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
    return len(given)


# Values --------------------------------------------------------------------------------------


def _adapter(field: models.Field, copied: bool = False) -> Callable[[Any], Any] | None:
    """What makes a value of the field one that the driver takes; None where it does already."""
    if isinstance(field, models.DateTimeField):
        return None if copied else connection.ops.adapt_datetimefield_value
    if isinstance(field, models.JSONField):
        return partial(_json, encoder=field.encoder) if copied else _prepared(field)
    return None


def _prepared(field: models.Field) -> Callable[[Any], Any]:
    return partial(field.get_db_prep_save, connection=connection)


def _json(value: Any, encoder: type[json.JSONEncoder] | None) -> str | None:
    if value is None:
        return None
    return "[]" if value == [] else json.dumps(value, cls=encoder)


def _default(field: models.Field, copied: bool) -> Any:
    if copied and isinstance(field, models.JSONField):
        return _json(field.get_default(), field.encoder)
    return _prepared(field)(field.get_default())


def _names(fields: Iterable[models.Field], of: str = "") -> str:
    return ", ".join(f"{of}{connection.ops.quote_name(str(field.column))}" for field in fields)


# PostgreSQL ----------------------------------------------------------------------------------


def _is_copied(n: int) -> bool:
    return connection.vendor == "postgresql" and n >= COPIED_FROM


def _copy(table: str, fields: Sequence[models.Field], values: Iterable[Sequence[Any]]) -> None:
    statement = f"COPY {connection.ops.quote_name(table)} ({_names(fields)}) FROM STDIN"
    cursor: Any
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        for row in values:
            copy.write_row(row)


def _copy_in(
    model: type[models.Model],
    fields: Sequence[models.Field],
    values: Iterable[Sequence[Any]],
    ignore_conflicts: bool,
) -> None:
    table = model._meta.db_table
    if not ignore_conflicts:
        _copy(table, fields, values)
        return
    names, into = _names(fields), connection.ops.quote_name(table)
    _by_way(
        table,
        fields,
        values,
        f"INSERT INTO {into} ({names}) SELECT {names} FROM {BROUGHT} ON CONFLICT DO NOTHING",
    )


def _copy_over(table: str, fields: Sequence[models.Field], values: Iterable[Sequence[Any]]) -> None:
    """Change the rows whose id, the first of the fields, is among the values."""
    quote = connection.ops.quote_name
    key, *changed = [quote(str(field.column)) for field in fields]
    assigned = ", ".join(f"{name} = {BROUGHT}.{name}" for name in changed)
    into = quote(table)
    _by_way(
        table,
        fields,
        values,
        f"UPDATE {into} SET {assigned} FROM {BROUGHT} WHERE {into}.{key} = {BROUGHT}.{key}",
    )


def _by_way(
    table: str, fields: Sequence[models.Field], values: Iterable[Sequence[Any]], then: str
) -> None:
    """Bring the values into a table of their own, and from there by one statement.

    All in one transaction, so that it also works behind a pooler of transactions.
    """
    made = f"CREATE TEMPORARY TABLE {BROUGHT} ON COMMIT DROP AS SELECT {_names(fields)} "
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{made} FROM {connection.ops.quote_name(table)} WITH NO DATA")
        _copy(BROUGHT, fields, values)
        cursor.execute(then)
        cursor.execute(f"DROP TABLE {BROUGHT}")
