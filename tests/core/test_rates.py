"""The rate of calls: one count in a Redis that is shared, and nobody stopped while it is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import RateLimitItemPerMinute
from starlette.testclient import TestClient

from core import rates
from core.config import Settings
from core.rates import Rates
from market.app import create_app
from tests.servers import Redis

TWICE = RateLimitItemPerMinute(2)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


def test_processes_count_together_and_each_alone_while_redis_is_away(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = Rates(redis.url), Rates(redis.url)
    assert [one.wait_s(TWICE, "me"), other.wait_s(TWICE, "me")] == [0, 0]
    assert 1 <= one.wait_s(TWICE, "me") <= 60
    assert 1 <= other.wait_s(TWICE, "me") <= 60
    assert one.wait_s(TWICE, "you") == 0

    redis.stop()
    started = time.monotonic()
    assert [one.wait_s(TWICE, "me") for _ in range(3)][:2] == [0, 0]
    assert one.wait_s(TWICE, "me") > 0, "an outage is no way round the limit"
    assert time.monotonic() - started < 2 * rates.ANSWERS_S
    assert caplog.text.count("redis away") == 1, "it is left alone for a while"

    redis.start()
    monkeypatch.setattr(one, "_rest_until", 0.0)
    assert [one.wait_s(TWICE, "me") for _ in range(3)][:2] == [0, 0], "it counts there again"


def test_a_house_answers_while_its_redis_is_away(redis: Redis, blank_sqlite: Path, tmp_path: Path) -> None:
    redis.stop()
    url = f"sqlite:///{blank_sqlite}"
    app = create_app(Settings(home=tmp_path / "home", database_url=url, broker_url=redis.url))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/bounties/near").status_code != 500
