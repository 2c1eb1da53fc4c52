"""Health of a container: `web` answers over HTTP, any other role has a fresh row in PostgreSQL.

Exit code 0 or 1. Needs no Django, which would take seconds each time.
"""

from __future__ import annotations

import os
import socket
import sys
import urllib.error
import urllib.request

ROLES = ("web", "worker", "collector", "beat")


def web() -> str:
    """Why it is not healthy; empty where it is."""
    address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return "" if answer.status == 200 else f"{address}: {answer.status}"
    except (urllib.error.URLError, OSError) as error:
        return f"{address}: {error}"


def by_row(kind: str) -> str:
    import psycopg

    host = socket.gethostname()[:100]
    fresh = (
        "SELECT 1 FROM imagery_process WHERE kind = %s AND host = %s "
        "AND beat_at > now() - interval '1 minute' LIMIT 1"
    )
    try:
        with psycopg.connect(os.environ.get("DATABASE_URL", ""), connect_timeout=5) as held:
            alive = held.execute(fresh, (kind, host)).fetchone()
    except psycopg.Error as error:
        return f"the database does not answer: {error}"
    return "" if alive else f"no {kind} of {host} has given a sign of life for a minute"


if __name__ == "__main__":
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    if role not in ROLES:
        sys.exit(f"usage: alive.py {'|'.join(ROLES)}")
    if problem := web() if role == "web" else by_row(role):
        sys.exit(problem)
