"""The demo event's posts as rows of our own NDJSON, told from moments and a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from imagery.demo import story
from imagery.demo.crowd import Person, activity
from imagery.demo.files import MadeFile
from imagery.demo.story import Topic

PLATFORM = "demo"
SITE = "https://demo.invalid"
FIRST_UID = 7_000_000_001

REPOST_SHARE = 0.22  # of posts whose picture was posted before
NEW_URL_SHARE = 0.28  # of posts that upload a known file once more
LATER_REPOST_H = 30.0

Moment = tuple[float, Topic | None, tuple[MadeFile, ...]]


@dataclass(slots=True)
class Feed:
    """What has been posted so far: rows, each file's addresses, and who showed it when."""

    crowd: Sequence[Person]
    starts_at: datetime  # aware, UTC
    rng: np.random.Generator
    rows: list[dict[str, Any]] = field(default_factory=list)
    urls: dict[str, list[str]] = field(default_factory=dict)
    shown: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    shares: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.shares = activity(len(self.crowd))

    def add(self, hour: float, topic: Topic | None, files: Sequence[MadeFile]) -> None:
        """Appends the next post; hours must not decrease."""
        person = self.crowd[int(self.rng.choice(len(self.crowd), p=self.shares))]
        earlier = self._repeatable(hour, files, person)
        if earlier is None:
            row = self._row(hour, person)
            row |= self._words(person, topic)
            row |= self._where(topic)
            if files:
                row["images"] = [self._image(file.name) for file in files]
                for file in files:
                    self.shown.setdefault(file.name, []).append((hour, len(self.rows)))
        else:
            row = self._repost(hour, person, earlier)
        row |= self._figures(person, topic)
        self.rows.append(row)

    def add_dead_link(self, row: dict[str, Any], file: str) -> None:
        """Gives a post a picture whose file nobody has."""
        row["images"] = [{"url": f"{SITE}/gone/{self._token()}.jpg", "file": file}]

    def _repeatable(
        self, hour: float, files: Sequence[MadeFile], person: Person
    ) -> dict[str, Any] | None:
        if len(files) != 1 or self.rng.random() >= REPOST_SHARE:
            return None
        recent = [
            index
            for at, index in self.shown.get(files[0].name, ())
            if hour - at < LATER_REPOST_H and self.rows[index]["account"]["id"] != person.uid
        ]
        if not recent:
            return None
        followers = np.array([1.0 + (self._followers(i) or 0) for i in recent]) ** 0.7
        return self.rows[int(self.rng.choice(recent, p=followers / followers.sum()))]

    def _followers(self, index: int) -> int | None:
        return self.rows[index]["account"].get("followers")

    def _row(self, hour: float, person: Person) -> dict[str, Any]:
        uid = str(FIRST_UID + 37 * len(self.rows))
        at = self.starts_at + timedelta(seconds=round(hour * 3600))
        account: dict[str, Any] = {
            "id": person.uid,
            "handle": person.handle,
            "name": person.name,
            "following": person.following,
            "verified": person.verified,
        }
        if person.followers is not None:
            account["followers"] = person.followers
        if person.location:
            account["location"] = person.location
        return {
            "platform": PLATFORM,
            "id": uid,
            "posted_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "url": f"{SITE}/@{person.handle}/{uid}",
            "account": account,
        }

    def _words(self, person: Person, topic: Topic | None) -> dict[str, Any]:
        texts = story.CHATTER if topic is None else topic.texts
        in_own_language = [text for lang, text in texts if lang == person.lang]
        lang = person.lang if in_own_language else "en"
        choice = in_own_language or [text for other, text in texts if other == "en"]
        tags = [str(self.rng.choice(story.HASHTAGS, p=(0.6, 0.2, 0.12, 0.08)))]
        if topic is not None and self.rng.random() < 0.6:
            tags.append(str(self.rng.choice(topic.hashtags)))
        if self.rng.random() < 0.12:
            tags = []
        text = " ".join([str(self.rng.choice(choice)), *(f"#{tag}" for tag in tags)])
        return {"text": text, "lang": lang, "hashtags": tags}

    def _where(self, topic: Topic | None) -> dict[str, Any]:
        """Coordinates for 18 % of posts, only a town's name for 12 %."""
        draw = self.rng.random()
        if draw >= 0.30:
            return {}
        places = {place[0]: place for place in story.PLACES}
        if topic is not None and self.rng.random() < 0.6:
            name, lat, lon, _ = places[topic.place]
        else:
            weights = np.array([place[3] for place in story.PLACES])
            index = int(self.rng.choice(len(weights), p=weights / weights.sum()))
            name, lat, lon, _ = story.PLACES[index]
        if draw >= 0.18:
            return {"place": name}
        north, east = self.rng.normal(0, (0.003, 0.004))
        return {
            "lat": round(float(lat + north), 5),
            "lon": round(float(lon + east), 5),
            "place": name,
        }

    def _image(self, file: str) -> dict[str, str]:
        known = self.urls.setdefault(file, [])
        if not known or self.rng.random() < NEW_URL_SHARE:
            known.append(f"{SITE}/media/{self._token()}.{file.rpartition('.')[2]}")
            url = known[-1]
        else:
            weights = np.arange(1, len(known) + 1) ** -1.2
            url = str(self.rng.choice(known, p=weights / weights.sum()))
        return {"url": url, "file": file}

    def _token(self) -> str:
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
        return "".join(letters[i] for i in self.rng.integers(0, len(letters), 11))

    def _repost(self, hour: float, person: Person, earlier: dict[str, Any]) -> dict[str, Any]:
        row = self._row(hour, person)
        row["text"] = f"RT @{earlier['account']['handle']}: {earlier['text']}"
        row["repost_of"] = earlier["id"]
        for key in ("lang", "hashtags", "images"):
            row[key] = earlier[key]
        return row

    def _figures(self, person: Person, topic: Topic | None) -> dict[str, int]:
        """Engagement, log-normal around a power of the followers; unknown for one in seven."""
        if self.rng.random() < 0.14:
            return {}
        appeal = 0.0 if topic is None else 0.35 * topic.mass
        reach = 0.6 * np.log1p(person.followers or 150) + appeal - 0.9
        likes = int(np.exp(reach + self.rng.normal(0, 1.0)))
        figures = {
            "likes": likes,
            "reposts": int(likes * self.rng.lognormal(-1.7, 0.6)),
            "comments": int(likes * self.rng.lognormal(-2.2, 0.7)),
        }
        if self.rng.random() < 0.8:
            figures["views"] = likes + int((likes + 3) * self.rng.lognormal(3.2, 0.6))
        return figures
