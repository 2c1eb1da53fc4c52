"""The mappings of single platforms, beyond the first record of their samples."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from imagery.sources import FORMATS, BadRow, Record, read
from imagery.sources.snowflakes import moment_in_id
from imagery.sources.twitter_v1 import centre

NOW = datetime(2021, 6, 1, tzinfo=UTC)
DATA = Path(__file__).parents[2] / "data"
TWEET = "1389493749150646273"


def sample(file: str) -> list[Record | BadRow]:
    return list(read(DATA / file, now=NOW))


def mapped(format: str, *documents: dict) -> list[Record | BadRow]:
    content = "".join(json.dumps(document) + "\n" for document in documents)
    return list(FORMATS[format].read(BytesIO(content.encode()), "file", NOW))


def first_line(file: str) -> dict:
    return json.loads((DATA / file).read_text().splitlines()[0])


@pytest.mark.parametrize("file", ["twitter-v1.ndjson", "twitter-v2.json"])
def test_retweets_bring_their_originals_pictures_but_not_its_metrics(file):
    original, retweet, *_ = sample(file)
    assert retweet.repost_of == original.uid and retweet.images == original.images
    assert retweet.text == f"RT @river_watch: {original.text}"
    assert retweet.hashtags == original.hashtags
    assert (retweet.likes, retweet.reposts, retweet.views) == (None, None, None)


def test_v1_places_replies_and_notices():
    *_, reply = sample("twitter-v1.ndjson")  # and the notice of a deletion is no row at all
    assert (reply.lat, reply.lon, reply.place) == (48.5, 16.5, "Elm Bridge, Nowhere")
    assert reply.reply_to == TWEET and reply.text == "Seen from the hill"


def test_v1_old_entities_and_search_pages():
    tweet = first_line("twitter-v1.ndjson")
    del tweet["extended_tweet"], tweet["coordinates"]
    tweet |= {"geo": {"type": "Point", "coordinates": [48.2, 16.37]}, "lang": "und"}
    tweet["entities"] = {"media": [{"media_url": "http://pbs.img.example/9.jpg"}]}
    (row,) = mapped("twitter-v1", {"statuses": [tweet], "search_metadata": {}})
    assert [image.url for image in row.images] == ["http://pbs.img.example/9.jpg"]
    assert (row.lat, row.lon, row.lang) == (48.2, 16.37, "")


def test_tweets_without_a_time_take_that_of_their_id():
    (row,) = mapped("twitter-v2", {"data": {"id": TWEET, "text": "x"}})
    assert abs(row.posted_at - datetime(2021, 5, 4, 8, 15, tzinfo=UTC)) < timedelta(seconds=1)
    assert moment_in_id("20") is None and moment_in_id("x") is None
    (bad,) = mapped("twitter-v2", {"data": {"id": "20", "text": "x"}})
    assert bad.reason == "created_at is missing."


def test_v2_flattened_tweets_and_empty_pages():
    page = json.loads((DATA / "twitter-v2.json").read_text())
    flat = page["data"][0] | {
        "author": page["includes"]["users"][0],
        "attachments": {"media": page["includes"]["media"]},
        "geo": page["includes"]["places"][0],
    }
    (row,) = mapped("twitter-v2", flat)
    assert row == sample("twitter-v2.json")[0]
    assert mapped("twitter-v2", {"meta": {"result_count": 0}}) == []
    flat["public_metrics"]["impression_count"] = 0  # nobody counted views in 2021
    assert mapped("twitter-v2", flat)[0].views is None
    assert len(mapped("twitter-v2", page, page)) == 4


def test_the_centre_of_a_box_across_the_180th_meridian():
    assert centre([(-20.0, 178.0), (-16.0, -178.0)]) == (-18.0, 180.0)
    assert centre([(0.0, 10.0), (10.0, 20.0)]) == (5.0, 15.0)
    assert centre([]) == (None, None)


def test_mastodon_boosts_name_their_original():
    status, boost = sample("mastodon.json")
    assert boost.repost_of == status.uid and boost.images == status.images
    assert boost.likes is None and boost.account.handle == "walker@lake.example"
    document = json.loads((DATA / "mastodon.json").read_text())[0]
    assert mapped("mastodon", document) == [status]
    document["media_attachments"][0]["url"] = None
    document["media_attachments"][0]["remote_url"] = "https://far.example/1.png"
    document |= {"spoiler_text": "water", "in_reply_to_id": "12"}
    (row,) = mapped("mastodon", {"statuses": [document], "accounts": [], "hashtags": []})
    assert [image.url for image in row.images] == ["https://far.example/1.png"]
    assert row.text.startswith("water\nWater") and row.reply_to == "12"


def test_jetstream_keeps_posts_and_doubts_their_clocks():
    first, second = sample("bluesky.ndjson")  # the like and the identity are silently no posts
    assert second.posted_at == datetime(2021, 5, 4, 8, 15, 0, 123459, tzinfo=UTC)
    assert second.reply_to == first.uid
    assert [image.url.rpartition("/")[2] for image in second.images] == ["bafkreiccc@jpeg"]
    event = json.loads((DATA / "bluesky.ndjson").read_text().splitlines()[1])
    event["commit"]["operation"] = "delete"
    assert mapped("bluesky", event) == []
    event["commit"]["operation"] = "create"
    (bad,) = mapped("bluesky", event | {"did": "did:plc:../../x"})
    assert bad.reason.startswith("did 'did:plc:../../x' is not a DID")


def test_zeeschuimer_reads_three_platforms_and_names_the_others():
    instagram, tiktok, tweet, other = sample("zeeschuimer.ndjson")
    assert (instagram.lat, instagram.place) == (48.21, "Quay")
    assert [image.alt for image in instagram.images] == ["Photo of sandbags", ""]
    assert (tiktok.views, tiktok.images[0].url) == (400, "https://tt.example/origin.jpg")
    assert (tweet.views, tweet.account.followers, tweet.account.verified) == (740, 512, True)
    assert other.line == 4 and "'linkedin.com' is not read" in other.reason


def test_zeeschuimer_long_retweeted_and_older_tweets():
    lines = (DATA / "zeeschuimer.ndjson").read_text().splitlines()
    item = json.loads(lines[2])
    data = item["data"]
    note = {"text": "Water at the old mill #ElmFlood and much more of it", "entity_set": {}}
    data["note_tweet"] = {"note_tweet_results": {"result": note}}
    assert mapped("zeeschuimer", item)[0].text == note["text"]
    legacy = data["legacy"]
    retweet = {
        "rest_id": "1389493749150646299",
        "core": {"user_results": {"result": {"rest_id": "71", "legacy": {"name": "Walker"}}}},
        "legacy": legacy | {"retweeted_status_result": {"result": {"tweet": data}}},
        "views": {"count": "9"},
    }  # fmt: skip
    del retweet["legacy"]["extended_entities"]
    (row,) = mapped("zeeschuimer", item | {"source_platform": "x.com", "data": retweet})
    assert row.repost_of == TWEET and row.text == f"RT @river_watch: {note['text']}"
    older = {"id": 1, "type": "adaptive", "legacy": legacy, "user": {"id_str": "70"}}
    (row,) = mapped("zeeschuimer", item | {"data": older})
    assert row.account.uid == "70"


def test_zeeschuimer_as_4cat_keeps_it_and_hidden_likes():
    item = first_line("zeeschuimer.ndjson")
    kept = item["data"] | {"__import_meta": {"source_platform": "instagram.com"}}
    kept |= {"like_and_view_counts_disabled": True, "like_count": 3}
    (row,) = mapped("zeeschuimer", kept)
    assert row.uid == "CxElm123" and row.likes is None
    del kept["taken_at"]
    assert mapped("zeeschuimer", kept)[0].reason == "taken_at is missing."


def test_4cat_flavours():
    def flavour(content: str) -> Record:
        (row,) = FORMATS["4cat"].read(BytesIO(content.encode()), "file", NOW)
        return row

    assert sample("4cat.csv")[1].likes is None and sample("4cat.csv")[1].reply_to == TWEET
    tiktok = flavour(
        "id,thread_id,author,author_followers,body,timestamp,unix_timestamp,tiktok_url,"
        "thumbnail_url,likes,comments,shares,plays,hashtags\n"
        "73,73,hill.view,90,river,2021-05-04 08:15:00,1620116100,"
        "https://www.tiktok.com/@hill.view/video/73,https://tt.example/c.jpg,8,1,2,400,elmflood\n"
    )
    assert (tiktok.platform, tiktok.views, tiktok.reposts) == ("tiktok", 400, 2)
    assert tiktok.images[0].url == "https://tt.example/c.jpg"
    instagram = flavour(
        "id,thread_id,parent_id,url,body,author,timestamp,image_url,media_url,num_likes,"
        "num_comments,location_name,location_latlong\n"
        "CxE,CxE,CxE,https://www.instagram.com/p/CxE,quay,quay_cam,2021-05-04 08:15:00,"
        'https://ig.example/1.jpg,https://ig.example/1.mp4,-1,4,Quay,"48.2,16.3"\n'
    )
    assert (instagram.platform, instagram.likes, instagram.comments) == ("instagram", None, 4)
    assert (instagram.lat, instagram.lon, instagram.reply_to) == (48.2, 16.3, "")
    assert [image.url for image in instagram.images] == ["https://ig.example/1.jpg"]
    tumblr = flavour(
        "id,thread_id,author,timestamp,body,notes,post_url,media_urls,tags\n"
        '5,1,quay,2021-05-04 08:15:00,x,12,https://quay.tumblr.com/post/5,"https://t.example/1.png,'
        'https://t.example/2.mp4",elm\n'
    )
    assert tumblr.platform == "tumblr" and tumblr.reply_to == ""
    assert [image.url for image in tumblr.images] == ["https://t.example/1.png"]


def test_instaloader_names_the_pictures_beside_it():
    (row,) = sample("instaloader.json")
    assert [image.file for image in row.images] == ["instaloader_1.jpg", "instaloader_2.jpg"]
    profile = {"node": {"username": "x"}, "instaloader": {"node_type": "Profile"}}
    assert mapped("instaloader", profile) == []
