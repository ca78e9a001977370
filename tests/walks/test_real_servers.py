"""The same code on Postgres, Redis and S3 with its own worker processes: one walk proves it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from skimage import data
from sklearn.datasets import load_sample_image

from core.geo import Spot
from tests.servers import S3, House, Postgres, Redis
from tests.walks.asks import phone_at, photo_bounty, video_bounty

PLACE = Spot(35.6892, 51.3890)


@pytest.fixture
def apart(postgres_server: Postgres, tmp_path: Path) -> Iterator[House]:
    """A market whose parts are real servers, with two worker processes beside the API."""
    redis, s3 = Redis(tmp_path), S3(tmp_path)
    redis.start()
    s3.start()
    env = {
        "SPOTCHECK_DATABASE_URL": postgres_server.new_database(),
        "SPOTCHECK_BROKER_URL": redis.url,
        "SPOTCHECK_STORAGE_URL": s3.url,
    }
    house = House(tmp_path, env=env, workers=0)
    house.start()
    workers = [house.spawn("work") for _ in range(2)]
    yield house
    for worker in workers:
        worker.terminate()
    house.stop()
    for worker in workers:
        worker.wait(20)
    redis.stop()
    s3.stop()


@pytest.mark.timeout(300)
def test_a_capture_is_judged_and_paid_on_postgres_redis_and_s3(apart: House) -> None:
    agent = apart.account()
    bounty = apart.post("/v1/bounties", photo_bounty(PLACE), key=agent).json()
    with phone_at(apart.url, PLACE, seed=1) as phone:
        capture = phone.earn(bounty["id"], data.coffee(), 3)
        me = phone.get("/v1/me")
    assert (capture.status, capture.reasons) == ("accepted", ())
    waited = apart.get(f"/v1/bounties/{bounty['id']}/wait?timeout=20", key=agent).json()
    [observation] = waited["observations"]
    media = apart.get(observation["media"][0]["url"], key=agent)
    assert media.content.startswith(b"\xff\xd8")
    assert me["balances"]["payable"] == "0.50"


@pytest.mark.timeout(300)
def test_a_video_is_streamed_judged_paid_and_delivered_in_ranges_on_them(apart: House) -> None:
    agent = apart.account()
    bounty = apart.post("/v1/bounties", video_bounty(PLACE), key=agent).json()
    with phone_at(apart.url, PLACE, seed=2) as phone:
        capture = phone.earn(bounty["id"], load_sample_image("china.jpg"), 3)
    assert (capture.status, capture.reasons) == ("accepted", ())
    waited = apart.get(f"/v1/bounties/{bounty['id']}/wait?timeout=20", key=agent).json()
    [item] = waited["observations"][0]["media"]
    whole = apart.get(item["url"], key=agent).content
    assert hashlib.sha256(whole).hexdigest() == item["sha256"]
    headers = {"Authorization": f"Bearer {agent}", "Range": "bytes=100-"}
    part = httpx2.get(f"{apart.url}{item['url']}", headers=headers, timeout=30)
    assert (part.status_code, part.content) == (206, whole[100:])
