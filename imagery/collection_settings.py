"""What people ask of a live collection: checked, then kept. Pages and API go through here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from imagery import rules, sources, tasks
from imagery.core.addresses import FetchError
from imagery.models import Collection, CollectionRule, Rule
from imagery.sources.live import BadOption, Live
from imagery.sources.network import Network

Pair = tuple[str, str]  # kind and value of a rule
MOST_RULES = 500
OLDEST_DAYS = 365
AGES = re.compile(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?")
KINDS = {kind.value: kind.value for kind in Rule.Kind} | {
    kind.label.lower(): kind.value for kind in Rule.Kind
}


def source_of(collection: Collection) -> Live | None:
    """None where the source it was made for is no longer here."""
    return sources.LIVE.get(collection.source)


def checked_options(source: Live, given: Mapping[str, Any]) -> dict[str, Any]:
    """As they are stored. Raises BadOption.

    Addresses that may never be asked are told of now; where a name leads is seen when it is asked.
    """
    asked = {option.name: given.get(option.name, option.default) for option in source.options}
    for name, value in asked.items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            raise BadOption(name, "It holds a NUL character, which nothing can keep.")
    stored = source.check(asked)
    network = Network(settings.IMAGERY_USER_AGENT, settings.IMAGERY_FETCH_PRIVATE)
    for name, url in source.addresses(stored):
        try:
            network.target(url)
        except FetchError as error:
            raise BadOption(name, error.reason) from error
    return stored


# Rules --------------------------------------------------------------------------------------


def read_rules(text: str) -> list[Pair]:
    """Rules typed one a line: "hashtag: storm", or #storm, @person, "two words", word.

    Raises ValidationError with a message for each line that does not fit.
    """
    return checked_rules(_pair(line) for line in text.splitlines() if line.strip())


def _pair(line: str) -> Pair:
    line = line.strip()
    kind, colon, value = line.partition(":")
    if colon and (known := KINDS.get(kind.strip().lower())):
        return known, value.strip()
    if line[0] in "#＃":
        return Rule.Kind.HASHTAG, line
    if line[0] in "@＠":
        return Rule.Kind.ACCOUNT, line.lstrip("＠")
    bare = line.strip("\"“”„'")
    single = bare == line and len(rules.words(line)) == 1
    return (Rule.Kind.KEYWORD if single else Rule.Kind.PHRASE), bare


def checked_rules(pairs: Iterable[Pair]) -> list[Pair]:
    """Each once, in the order given. Raises ValidationError, a message for each that is wrong."""
    found: dict[Pair, None] = {}
    problems: list[str] = []
    for kind, value in pairs:
        try:
            found[kind, rules.check(kind, value)] = None
        except ValidationError as error:
            problems += error.messages
    if len(found) > MOST_RULES:
        problems.append(f"There are {len(found):,} rules; {MOST_RULES} is the most.")
    if problems:
        raise ValidationError(problems)
    return list(found)


def told_rules(pairs: Iterable[Pair]) -> str:
    """As `read_rules` reads them back."""
    return "\n".join(f"{kind}: {value}" for kind, value in pairs)


# Ages ---------------------------------------------------------------------------------------


def read_ages(text: str) -> list[int]:
    """Days typed as "1-7, 14, 30"; empty: none. Raises ValidationError."""
    found: set[int] = set()
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        fits = AGES.fullmatch(part)
        if fits is None:
            raise ValidationError(f"{part[:40]!r} is no age: want days such as 1-7, 14, 30.")
        first, last = int(fits[1]), int(fits[2] or fits[1])
        if first > last:
            raise ValidationError(f"{part!r} ends before it begins.")
        found.update(checked_ages(range(first, last + 1)))
    return sorted(found)


def checked_ages(days: Iterable[int]) -> list[int]:
    """Ascending, each once. Raises ValidationError."""
    found = sorted(set(days))
    wrong = next((day for day in found if not 1 <= day <= OLDEST_DAYS), None)
    if wrong is not None:
        raise ValidationError(f"{wrong} is no age in days from 1 to {OLDEST_DAYS}.")
    return found


def told_ages(days: Iterable[int]) -> str:
    """[1, 2, 3, 7] → "1–3, 7"."""
    runs: list[list[int]] = []
    for day in sorted(set(days)):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


# Keeping ------------------------------------------------------------------------------------


@transaction.atomic
def keep(collection: Collection, pairs: Iterable[Pair], *, fields: Iterable[str] = ()) -> None:
    """Save it with exactly these rules.

    fields: those of a collection at work that were changed; its collector writes the others.
    """
    if collection.pk is None:
        collection.save()
    elif fields := list(fields):
        if "options" in fields:
            collection.cursor = ""  # it was a place in another stream
            fields.append("cursor")
        collection.save(update_fields=fields)
        if "revisit_days" in fields:
            tasks.reschedule_visits.delay_on_commit(collection.pk)
    wanted = set(pairs)
    for rule in collection.rules.all():
        if (rule.kind, rule.value) in wanted:
            wanted.remove((rule.kind, rule.value))
        else:
            rule.delete()
    CollectionRule.objects.bulk_create(
        CollectionRule(collection=collection, kind=kind, value=value)
        for kind, value in sorted(wanted)
    )


def copy(collection: Collection, user: Any) -> Collection:
    """Another like it, paused, that has collected nothing."""
    made = Collection(
        event=collection.event,
        name=f"{collection.name[:105]}, another",
        source=collection.source,
        options=collection.options,
        token=collection.token,
        revisit_days=collection.revisit_days,
        user=user,
    )
    keep(made, collection.rules.values_list("kind", "value"))
    return made
