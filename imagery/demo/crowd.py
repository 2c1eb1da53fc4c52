"""Who posts in the demo event, and when: a heavy-tailed crowd that sleeps at night."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagery.demo import story
from imagery.demo.files import MadeFile
from imagery.demo.shots import SHOTS
from imagery.demo.story import N_DAYS, RHYTHM, Topic

WINDOW_H = 24.0 * N_DAYS
LATEST_H = WINDOW_H - 0.05

OFFICIAL = (
    ("harbourlights", "Harbour Lights Week (made)", 48_200),
    ("quay_radio", "Quay Radio (made)", 91_500),
    ("openlab_tent", "Open Lab Tent (made)", 12_900),
    ("ferry_times", "Ferry Times (made)", 33_400),
)
FIRST_WORDS = (
    "salt", "tide", "lamp", "gull", "norte", "ria", "faro", "brisa", "mar", "lua", "kelp", "buoy",
    "drizzle", "anchor", "limpet", "mist", "pier", "sardina", "cabo", "ola", "rope", "dune",
)  # fmt: skip
SECOND_WORDS = (
    "and_light", "walker", "notes", "visual", "diary", "radio", "pictures", "fan", "club", "girl",
    "sailor", "studio", "reader", "viva", "lover", "daily", "chaser", "mum", "teacher", "nerd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """A made account. `followers` None: the platform did not say."""

    uid: str
    handle: str
    name: str
    lang: str
    followers: int | None
    following: int
    location: str
    verified: bool


def people(n: int, rng: np.random.Generator) -> list[Person]:
    """n accounts, the most active first; followers log-normal with a median of about 200."""
    langs, lang_weights = zip(*story.LANGUAGES, strict=True)
    towns = [place[0] for place in story.PLACES]
    town_weights = np.array([place[3] for place in story.PLACES])
    crowd = [
        Person(f"demo-{i + 1}", handle, name, "en", followers, 120 + 7 * i, "A Coruña", True)
        for i, (handle, name, followers) in enumerate(OFFICIAL)
    ]
    taken: Counter[str] = Counter()
    for i in range(len(OFFICIAL), n):
        stem = f"{rng.choice(FIRST_WORDS)}_{rng.choice(SECOND_WORDS)}"
        taken[stem] += 1
        handle = stem if taken[stem] == 1 else f"{stem}{taken[stem]}"
        town = str(rng.choice(towns, p=town_weights / town_weights.sum()))
        followers = int(rng.lognormal(5.3, 1.6)) if rng.random() >= 0.06 else None
        crowd.append(
            Person(
                uid=f"demo-{i + 1}",
                handle=handle,
                name=handle.replace("_", " ").title(),
                lang=str(rng.choice(langs, p=lang_weights)),
                followers=followers,
                following=int(rng.lognormal(5.2, 0.9)),
                location=town if rng.random() < 0.55 else "",
                verified=False,
            )
        )
    return crowd[:n]


def activity(n: int) -> np.ndarray:
    """Share of posts by account, (n,) float64 summing to 1: Zipf with exponent 0.9."""
    shares = np.arange(1, n + 1) ** -0.9
    return shares / shares.sum()


def picture_moments(
    files: Sequence[MadeFile], n: int, rng: np.random.Generator
) -> list[tuple[float, MadeFile]]:
    """n (hour, file) pairs in time order, every file at least once.

    A picture begins with its topic and fades; its first version leads and the others follow.
    """
    rank = {shot.name: place for place, shot in enumerate(SHOTS)}
    by_source: dict[str, list[MadeFile]] = {}
    for file in files:
        by_source.setdefault(file.source, []).append(file)
    sources = list(by_source)
    weights = np.array(
        [
            story.BY_NAME[by_source[s][0].topic].mass * (rank.get(s, len(rank)) + 3.0) ** -0.9
            for s in sources
        ]
    )
    more = rng.multinomial(n - len(files), weights / weights.sum())
    moments: list[tuple[float, MadeFile]] = []
    for source, n_more in zip(sources, more, strict=True):
        versions = by_source[source]
        topic = story.BY_NAME[versions[0].topic]
        start = min(topic.starts_h + rng.exponential(topic.half_life_h / 3), LATEST_H - 2.0)
        moments += _spread(versions, int(n_more), start, topic, rng)
    return sorted(moments, key=lambda moment: moment[0])


def _spread(
    versions: list[MadeFile], n_more: int, start_h: float, topic: Topic, rng: np.random.Generator
) -> list[tuple[float, MadeFile]]:
    """Times of one picture's posts, and which version each shows."""
    hours = np.sort(
        [_after(start_h, topic.half_life_h, rng) for _ in range(len(versions) + n_more)]
    )
    shares = np.concatenate(([2.0], np.arange(1, len(versions)) ** -0.8))[: len(versions)]
    shown = np.concatenate(
        (
            np.arange(1, len(versions)),
            rng.choice(len(versions), n_more, p=shares / shares.sum()),
        )
    ).astype(int)
    rng.shuffle(shown)
    order = [0, *shown.tolist()]
    return [(float(hour), versions[v]) for hour, v in zip(hours, order, strict=True)]


def _after(start_h: float, half_life_h: float, rng: np.random.Generator) -> float:
    """An hour after the start, log-normal with that median, drawn towards waking hours."""
    tries = start_h + rng.lognormal(np.log(half_life_h), 1.25, 6)
    late = tries > LATEST_H
    tries[late] = rng.uniform(start_h, LATEST_H, int(late.sum()))
    return float(rng.choice(tries, p=_awake(tries)))


def _awake(hours: np.ndarray) -> np.ndarray:
    weights = np.array(RHYTHM, float)[hours.astype(int) % 24]
    return weights / weights.sum()


def chatter_moments(n: int, rng: np.random.Generator) -> list[tuple[float, Topic | None]]:
    """n (hour, topic) pairs of posts without a picture; None is talk about nothing special."""
    masses = np.array([topic.mass for topic in story.TOPICS])
    moments: list[tuple[float, Topic | None]] = []
    for _ in range(n):
        if rng.random() < 0.45:
            topic = story.TOPICS[int(rng.choice(len(masses), p=masses / masses.sum()))]
            moments.append((_after(topic.starts_h, topic.half_life_h, rng), topic))
        else:
            tries = rng.uniform(0, LATEST_H, 6)
            moments.append((float(rng.choice(tries, p=_awake(tries))), None))
    return moments
