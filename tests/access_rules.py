"""What each role is answered at each address: one line an address. An address without a line
fails `tests/test_access.py`.

Six statuses stand for owner, analyst, viewer, annotator, stranger and nobody, in that order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

CAST = ("owner", "analyst", "viewer", "annotator", "stranger", "nobody")
Statuses = tuple[int, int, int, int, int, int]
Values = dict[str, Any]
Body = Callable[[Values], dict[str, Any]]


@dataclass(frozen=True)
class Sent:
    """A method that changes something: the answers, what is sent, and whether rows change."""

    answers: Statuses
    body: Body = lambda values: {}
    writes: bool = True


@dataclass(frozen=True)
class Rule:
    """Methods that are not named are refused by 405."""

    get: Statuses | None = None
    values: Body = lambda values: {}  # of the address, beside those of all
    query: Body = lambda values: {}
    post: Sent | None = None
    patch: Sent | None = None
    put: Sent | None = None
    delete: Sent | None = None
    csrf: bool = True  # a session that sends without its token is refused
    others: Statuses | None = None  # for methods not named, where not 405


def same(status: int) -> Statuses:
    return (status,) * 6


# Pages: a stranger is told that nothing is there, nobody is sent to the login.
SEES: Statuses = (200, 200, 200, 404, 404, 302)
EDITS: Statuses = (302, 302, 404, 404, 404, 302)
EDITS_SEE: Statuses = (200, 200, 404, 404, 404, 302)  # a form that only editors are shown
OWNS: Statuses = (302, 404, 404, 404, 404, 302)
PERSON: Statuses = (200, 200, 200, 200, 200, 302)
REFUSED: Statuses = (405, 405, 405, 405, 405, 302)

# The API: nobody is 401, and who may look but not touch is told so.
API_SEES: Statuses = (200, 200, 200, 404, 404, 401)
API_PERSON: Statuses = (200, 200, 200, 200, 200, 401)
API_REFUSED: Statuses = (405, 405, 405, 405, 405, 401)


def api_edits(status: int) -> Statuses:
    return (status, status, 403, 404, 404, 401)


def api_owns(status: int) -> Statuses:
    return (status, 403, 403, 404, 404, 401)


def file(name: str, text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def posts(_: Values) -> Values:
    return {"file": file("posts.ndjson", '{"id": "1"}\n')}


def known(values: Values) -> Values:
    return {"file": file("known.csv", f"hash,quality\n{'ab' * 32},90\n"), "action": "watch"}


def event_key(values: Values) -> Values:
    return {"key": values["event_key"]}


def pair(values: Values) -> Values:
    return {"a": values["a"], "b": values["b"]}


def reads(answers: Statuses = SEES, **more: Any) -> Rule:
    return Rule(get=answers, **more)


def acts(answers: Statuses, body: Body = lambda values: {}, **more: Any) -> Rule:
    return Rule(post=Sent(answers, body, **more))


def both(
    post: Statuses,
    body: Body,
    get: Statuses = SEES,
    *,
    writes: bool = True,
    put: Sent | None = None,
) -> Rule:
    return Rule(get=get, post=Sent(post, body, writes), put=put)


SETTINGS = {
    "name": "Gale", "timezone": "UTC", "dedup_threshold": 10, "copies": "versions",
    "similarity": 0.8, "backbone": "mobilenet_v2", "layer": "snc",
}  # fmt: skip
COLLECTION = {
    "source": "bluesky", "name": "Wind", "option_server": "wss://jetstream.example/subscribe",
    "option_api": "https://api.example", "rules": "#wind", "ages": "1-7",
}  # fmt: skip
NEW_COLLECTION = {"source": "bluesky", "name": "Wind"}
CREDENTIALS = {"username": "owner", "password": "correct horse battery"}

ACCOUNT = {
    "login": Rule(
        get=(302, 302, 302, 302, 302, 200),
        post=Sent((302, 302, 302, 302, 302, 302), lambda _: CREDENTIALS, writes=False),
        put=Sent((302, 302, 302, 302, 302, 200), writes=False),  # an empty form
        others=(302, 302, 302, 302, 302, 405),
    ),
    "logout": acts(same(302), writes=False),
    "password_change": both(
        PERSON,
        lambda _: {"old_password": "wrong"},
        get=PERSON,
        writes=False,
        put=Sent(PERSON, writes=False),
    ),
    "password_change_done": reads(PERSON),
}

PAGES = {
    "imagery:events": reads(PERSON),
    "imagery:event-new": both(
        same(302), lambda _: {"name": "Flood", "timezone": "UTC"}, get=PERSON
    ),
    "imagery:palette": reads(PERSON),
    "imagery:search-all": reads(PERSON),
    "imagery:search-all-csv": reads(PERSON),
    "imagery:events-csv": reads(PERSON),
    "imagery:event": reads(),
    "imagery:downloads": reads(),
    "imagery:table": reads(),
    "imagery:pictures-zip": both(SEES, lambda _: {"top": "2"}, writes=False),
    "imagery:evidence": both(SEES, lambda _: {"top": "2"}, writes=False),
    "imagery:search": reads(),
    "imagery:search-csv": reads(),
    "imagery:retrieval": reads(),
    "imagery:retrieval-csv": reads(),
    "imagery:look-up-new": both(
        (302, 302, 302, 404, 404, 302), lambda _: {"words": "ab" * 8}, get=PERSON
    ),
    "imagery:look-up": reads(),
    "imagery:look-up-thumb": reads(),
    "imagery:look-up-forget": acts(OWNS),
    "imagery:event-look-up-new": both(
        (302, 302, 302, 404, 404, 302), lambda _: {"words": "ab" * 8}
    ),
    "imagery:event-look-up": reads(values=event_key),
    "imagery:import": both(EDITS, posts),
    "imagery:bad-rows": reads(),
    "imagery:process": acts(EDITS),
    "imagery:cancel": acts(EDITS),
    "imagery:jobs": reads(),
    "imagery:jobs-all": reads(PERSON),
    "imagery:bring-back": acts(EDITS),
    "imagery:progress": reads(),
    "imagery:failures": reads(),
    "imagery:failures-retry": acts(EDITS),
    "imagery:failures-csv": reads(),
    "imagery:live": reads(),
    "imagery:collections": reads(),
    "imagery:collection-new": both(EDITS, lambda _: COLLECTION, get=EDITS_SEE),
    "imagery:collection": reads(),
    "imagery:collection-rates": reads(),
    "imagery:collection-edit": both(EDITS, lambda _: COLLECTION, get=EDITS_SEE),
    "imagery:collection-start": acts(EDITS),
    "imagery:collection-pause": acts(EDITS),
    "imagery:collection-stop": acts(EDITS),
    "imagery:collection-duplicate": acts(EDITS),
    "imagery:collection-delete": acts(EDITS),
    "imagery:rules": both(EDITS, lambda _: {"kind": "keyword", "value": "wind"}),
    "imagery:rules-matching": reads(),
    "imagery:rules-apply": acts(EDITS, writes=False),
    "imagery:rule-remove": acts(EDITS),
    "imagery:settings": both(EDITS, lambda _: SETTINGS),
    "imagery:keeping": acts(OWNS, lambda _: {"keep_days": "36500"}),
    "imagery:event-delete": acts(OWNS, lambda values: {"confirm": values["slug"]}),
    "imagery:members": both(OWNS, lambda _: {"username": "newcomer", "role": "viewer"}),
    "imagery:member": acts(OWNS, lambda _: {"role": "analyst"}),
    "imagery:groups": reads(),
    "imagery:groups-similarity": acts(EDITS, lambda _: {"similarity": "0.7"}),
    "imagery:group": reads(),
    "imagery:group-csv": reads(),
    "imagery:image": reads(),
    "imagery:image-posts": reads(),
    "imagery:image-posts-csv": reads(),
    "imagery:image-posts-json": reads(),
    "imagery:review": reads(),
    "imagery:decisions": reads(),
    "imagery:decisions-csv": reads(),
    "imagery:decide": acts(
        EDITS, lambda values: {"kind": "same", "image": values["a"], "other": values["b"]}
    ),
    "imagery:undo": acts(EDITS),
    "imagery:take-back": acts(
        EDITS, lambda values: {"kind": "name", "unique": values["unique_id"]}
    ),
    "imagery:compare": reads(query=pair),
    "imagery:compare-difference": reads(query=pair),
    "imagery:lists": both(EDITS, known),
    "imagery:list": reads(),
    "imagery:list-add": acts(EDITS, known),
    "imagery:list-change": acts(EDITS, lambda _: {"name": "Ours", "action": "block"}),
    "imagery:list-remove": acts(EDITS),
    "imagery:list-hashes": reads(),
    "imagery:list-matches": reads(),
    "imagery:thumb": reads(),
    "imagery:file": reads(),
    "analytics:timeline": reads(),
    "analytics:timeline-json": reads(),
    "analytics:timeline-csv": reads(),
    "analytics:top": reads(),
    "analytics:top-csv": reads(),
    "analytics:curve-json": reads(),
}

API = {
    "api-root": Rule(
        get=same(302),
        post=Sent(same(302), writes=False),
        patch=Sent(same(302), writes=False),
        put=Sent(same(302), writes=False),
        delete=Sent(same(302), writes=False),
    ),
    "schema": reads(API_PERSON),
    "api-docs": reads(PERSON, others=REFUSED),
    # Its GET is refused, and who has no token of its own is nobody to its DELETE.
    "api:token": Rule(
        get=same(401),
        post=Sent(same(200), lambda _: CREDENTIALS),
        delete=Sent(same(401)),
        others=same(401),
        csrf=False,
    ),
    "api:look-ups": acts((202, 202, 202, 404, 404, 401), lambda _: {"hash": "ab" * 8}),
    "api:look-up": reads(API_SEES),
    "api:events": both((201,) * 5 + (401,), lambda _: {"name": "Flood"}, get=API_PERSON),
    "api:event": Rule(
        get=API_SEES,
        patch=Sent(api_edits(200), lambda _: {"name": "Gale"}),
        delete=Sent(api_owns(204)),
    ),
    "api:import": acts(api_edits(202), posts),
    "api:imports": reads(API_SEES),
    "api:import-state": reads(API_SEES),
    "api:bad-rows": reads(API_SEES),
    "api:live-sources": reads(API_PERSON),
    "api:collections": both(api_edits(201), lambda _: NEW_COLLECTION, get=API_SEES),
    "api:collection": Rule(
        get=API_SEES,
        patch=Sent(api_edits(200), lambda _: {"name": "Wind"}),
        delete=Sent(api_edits(204)),
    ),
    "api:collection-start": acts(api_edits(200)),
    "api:collection-pause": acts(api_edits(200)),
    "api:collection-stop": acts(api_edits(200)),
    "api:collection-minutes": reads(API_SEES),
    "api:collection-gaps": reads(API_SEES),
    "api:readings": reads(API_SEES),
    "api:process": acts(api_edits(202)),
    "api:jobs": reads(API_SEES),
    "api:jobs-now": reads(API_SEES),
    "api:processes": reads(API_PERSON),
    "api:cancel": acts(api_edits(200)),
    "api:retry": acts(api_edits(202)),
    "api:urls": reads(API_SEES),
    "api:posts": reads(API_SEES),
    "api:search-all": reads(API_PERSON),
    "api:search": reads(API_SEES),
    "api:images": reads(API_SEES),
    "api:image": reads(API_SEES),
    "api:copies": reads(API_SEES),
    "api:versions": reads(API_SEES),
    "api:groups": reads(API_SEES),
    "api:group": reads(API_SEES),
    "api:decisions": both(
        api_edits(201), lambda values: {"kind": "apart", "image": values["sha256"]}, get=API_SEES
    ),
    "api:decision": Rule(get=API_SEES, delete=Sent(api_edits(200))),
    "api:doubtful": reads(API_SEES),
    "api:thumb": reads(API_SEES),
    "api:file": reads(API_SEES),
    "api-analytics:reduction": reads(API_SEES),
    "api-analytics:timeline": reads(API_SEES),
    "<api/^(?P<rest>.*/)$>": Rule(
        get=same(404), post=Sent(same(404)), others=same(404), csrf=False
    ),
}

MACHINES = {
    "healthz": Rule(get=same(200), others=same(405), csrf=False),
    "readyz": Rule(get=same(200), others=same(405), csrf=False),
    # None of the cast is staff, and none has the token.
    "metrics": Rule(get=same(404), others=same(405)),
}

RULES: dict[str, Rule] = ACCOUNT | PAGES | API | MACHINES
# Who does not administer is sent from every page of the administration to its login.
ADMIN = Rule(get=same(302), post=Sent(same(302), writes=False), others=same(302))
EMPTY = Sent(same(200), writes=False)  # the form again
ADMIN_OPEN = {"admin:login": Rule(get=same(200), post=EMPTY, put=EMPTY, others=same(405))}
