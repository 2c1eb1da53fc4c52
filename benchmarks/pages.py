"""Every page and list of an event as large as S1: the server's time for each, on SQLite.

python -m benchmarks pages [--posts 7786049] [--turns 20] [--data FOLDER]

Makes the event (see _event), indexes its words, groups and counts it as the stages do, each in a
process of its own. Then asks for every address that the router knows and that needs no more than
the event and one of its pictures, through Django's own client: middleware, queries, templates. A
page's first answer (arrays unpacked, templates compiled) is told beside the 95th percentile of
those that follow, by the clock and of the processor's time.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _event

ROOT = Path(__file__).parent.parent
LIMIT_MS = 200
STEPS = ("make", "words", "group", "count")
ASKED = {
    "groups": ["?similarity=0.6", "?similarity=0.9", "?similarity=0.97&order=members&min=2",
               "?similarity=0.7&after=480"],
    "timeline": ["?interval=1h&start=2017-09-20T00:00Z&end=2017-09-24T00:00Z", "?order=growth",
                 "?order=new&top=10"],
    "timeline-json": ["?interval=1d&top=50"],
    "top": ["?n=50"],
    "failures": ["?kind=http_status", "?after=1-60000"],
    "palette": ["?event=s1&q=12", "?event=s1&q=00ff", "?event=s1&q=person12"],
    "search": ["?q=hurricane", "?q=%23Maria", "?q=puerto+rico+power"],
    "image": ["?panel=1", "?versions=all"],
    "image-posts": ["?order=newest"],
    "api:posts": ["?limit=200", "?ordering=-posted_at", "?after=2017-10-20T00:00Z", "?image={pk}"],
    "api:images": ["?ordering=-growth", "?ordering=-first_posted_at", "?ordering=-copies",
                   "?ordering=-last_posted_at", "?min_posts=3&limit=200"],
    "api:urls": ["?state=failed", "?min_posts=5&limit=200"],
    "api:groups": ["?similarity=0.6&limit=200", "?similarity=0.9"],
}  # fmt: skip


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pages")
    parser.add_argument("--posts", type=int, default=_event.POSTS)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--data", help="a folder that holds such an event already")
    parser.add_argument("--step", choices=(*STEPS, "ask"), help="just this, over AFTERIMAGE_DATA")
    options = parser.parse_args(arguments)
    if options.step:
        _event.set_up()
        _step(options.step, options.posts, options.turns)
        return
    with tempfile.TemporaryDirectory(prefix="afterimage-bench-") as folder:
        env = os.environ | {"AFTERIMAGE_DATA": options.data or folder}
        for step in ("ask",) if options.data else (*STEPS, "ask"):
            command = [sys.executable, "-m", "benchmarks", "pages", "--step", step,
                       "--posts", str(options.posts), "--turns", str(options.turns)]  # fmt: skip
            subprocess.run(command, cwd=ROOT, env=env, check=True)


def _step(step: str, posts: int, turns: int) -> None:
    from django.conf import settings

    begun, worked = time.perf_counter(), time.process_time()
    if step == "make":
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        size = _event.Size.scaled(posts)
        _event.make(settings.DATA_DIR, size)
        print(
            f"{size.posts:,} posts, {size.image_posts:,} with images, {size.links:,} URLs, "
            f"{size.files:,} files, {size.unique:,} unique images"
        )
    elif step == "ask":
        ask(turns)
    elif step == "words":
        from imagery import text_index

        text_index.catch_up()
    else:
        from imagery import grouping, rollup
        from imagery.models import Event

        stage = grouping.run if step == "group" else rollup.run
        stage(Event.objects.get(slug=_event.SLUG))
    wall, core = time.perf_counter() - begun, time.process_time() - worked
    print(f"{step:<8}{wall:7.1f} s ({core:.1f} s of cores)  peak {_event.peak_mb():,.0f} MB")


def ask(turns: int) -> None:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"}, raise_request_exception=False)
    client.force_login(User.objects.get(username="owner"))
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    slow, left = [], []
    print(f"{'':72}  first    p50    p95 ms (p95 of the processor's time)")
    for name, path in addresses():
        first, _, status = _answered(client, path)
        if status != 200:
            left.append(f"{name} {status}")
            continue
        times = [_answered(client, path)[:2] for _ in range(turns if first < 2000 else 3)]
        walls, cores = zip(*times, strict=True)
        (median, most), core = np.percentile(walls, [50, 95]), np.percentile(cores, 95)
        slow += [path] if core > LIMIT_MS else []
        print(
            f"{name:<22}{path[:50]:<50} {first:6.0f} {median:6.0f} {most:6.0f} ({core:.0f})",
            flush=True,
        )
    print(f"slower than {LIMIT_MS} ms at the 95th percentile: {', '.join(slow) or 'none'}")
    print(f"not asked for, or answered otherwise: {', '.join(left)}")


def _answered(client: Any, path: str) -> tuple[float, float, int]:
    """ms until the answer is whole (of one that is streamed: until its first bytes), ms of this
    process's processor time, status."""
    begun, worked = time.perf_counter(), time.process_time()
    answer = client.get(path)
    if answer.streaming:
        next(iter(answer.streaming_content), b"")
    spent = 1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - worked)
    answer.close()
    return *spent, answer.status_code


def addresses() -> Iterator[tuple[str, str]]:
    """(name, path) of all that answers GET, with the questions of ASKED, and a list's last page."""
    from imagery.models import UniqueImage

    lead = UniqueImage.objects.filter(rank=1).values_list("pk", "representative__sha256").get()
    given = {"slug": _event.SLUG, "pk": lead[0], "unique_id": lead[0], "image_id": lead[0],
             "sha256": lead[1], "side": 320}  # fmt: skip
    for name, wanted in sorted(_routes()):
        if name.startswith("admin:") or not set(wanted) <= set(given):
            continue
        path = _reversed(name, {key: given[key] for key in wanted})
        yield name, path
        short = name.removeprefix("imagery:").removeprefix("analytics:")
        for question in ASKED.get(short, ()):
            yield name, path + question.format(pk=lead[0])


def _reversed(name: str, given: dict[str, Any]) -> str:
    from django.urls import reverse

    return reverse(name, kwargs=given)


def _routes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names of all addresses with the names of their parameters."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(resolver: Any, before: str, given: tuple[str, ...]) -> Iterator:
        for entry in resolver.url_patterns:
            names = (*given, *entry.pattern.converters)
            if isinstance(entry, URLResolver):
                space = f"{before}{entry.namespace}:" if entry.namespace else before
                yield from walk(entry, space, names)
            elif isinstance(entry, URLPattern) and entry.name:
                yield before + entry.name, names

    yield from walk(get_resolver(), "", ())
