"""Writing many rows: one prepared INSERT or UPDATE, run for each.

Django's bulk_create makes an object and a placeholder per value, and its bulk_update a CASE
expression per field and row, which cost more than the writing; this is what executemany is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import connection, models
from django.db.models.constants import OnConflict


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
    defaults = [f.get_db_prep_save(f.get_default(), connection) for f in left]
    conflict = OnConflict.IGNORE if ignore_conflicts else None
    quote, ops = connection.ops.quote_name, connection.ops
    names = ", ".join(quote(field.column) for field in (*given, *left))
    statement = (
        f"{ops.insert_statement(on_conflict=conflict)} {quote(model._meta.db_table)} ({names}) "
        f"VALUES ({', '.join(['%s'] * (len(given) + len(left)))}) "
        f"{ops.on_conflict_suffix_sql(given, conflict, [], [])}"
    )
    adapters = [(at, adapt) for at, field in enumerate(given) if (adapt := _adapter(field))]
    values = []
    for row in rows:
        made = [*row, *defaults]
        for at, adapt in adapters:
            made[at] = adapt(made[at])
        values.append(made)
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _adapter(field: models.Field) -> Callable[[Any], Any] | None:
    """What makes a value of the field one that the driver takes; None where it does already."""
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.JSONField):
        return partial(field.get_db_prep_save, connection=connection)
    return None


def update_rows(rows: Iterable[models.Model], fields: Sequence[str]) -> int:
    """Write those fields of the rows, all of one model; returns how many rows there were."""
    given = list(rows)
    if not given:
        return 0
    meta = given[0]._meta
    columns: list[Any] = [meta.get_field(name) for name in fields]
    quote = connection.ops.quote_name
    assigned = ", ".join(f"{quote(column.column)} = %s" for column in columns)
    key = meta.pk.column or "id"  # type: ignore[union-attr]
    statement = f"UPDATE {quote(meta.db_table)} SET {assigned} WHERE {quote(key)} = %s"  # noqa: S608
    values = [
        [c.get_db_prep_save(getattr(row, c.attname), connection) for c in columns] + [row.pk]
        for row in given
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
    return len(given)
