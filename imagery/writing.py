"""Writing many rows that exist: one prepared UPDATE, run for each.

Django's bulk_update builds a CASE expression per field and row, which costs more than the
writing; this is what executemany is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


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
