"""A machine that takes captures and nothing else, several at a time, beside one that takes the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from skimage import data

from core.config import Settings
from core.geo import Spot
from market.simulator.contributor import Capture
from market.worker import open_worker
from tests.servers import House
from tests.walks.asks import phone_at, photo_bounty
from tests.walks.test_kills import children_of, one, until
from verification.case import Tools

PLACE = Spot(35.6892, 51.3890)
PHOTOS = (data.coffee(), data.chelsea(), data.astronaut())


@pytest.fixture
def divided(tmp_path: Path) -> Iterator[House]:
    """A market whose only worker leaves captures alone."""
    house = House(tmp_path, workers=0)
    house.start()
    others = house.spawn("work", SPOTCHECK_QUEUES="payments,core")
    yield house
    others.terminate()
    house.stop()
    others.wait(20)


@pytest.mark.timeout(300)
def test_captures_wait_for_the_worker_that_takes_them_and_go_through_it_together(divided: House) -> None:
    agent = divided.account()
    bounties = [divided.post("/v1/bounties", photo_bounty(PLACE), key=agent).json()["id"] for _ in PHOTOS]

    def earn(number: int) -> Capture:
        with phone_at(divided.url, PLACE, seed=number) as phone:
            return phone.earn(bounties[number], PHOTOS[number], 3)

    with ThreadPoolExecutor(len(PHOTOS)) as pool:
        earned = [pool.submit(earn, number) for number in range(len(PHOTOS))]
        submitted = "SELECT count(*) FROM captures WHERE status = 'submitted'"
        until(lambda: one(divided, submitted) == len(PHOTOS), 60)
        time.sleep(4)  # by now a worker that took captures would have judged one
        assert not any(each.done() for each in earned), [each.result() for each in earned if each.done()]
        taking = divided.spawn("work", SPOTCHECK_QUEUES="bounties", SPOTCHECK_AT_ONCE="3")
        try:
            assert [each.result(120).status for each in earned] == ["accepted"] * len(PHOTOS)
            assert len(children_of(taking.pid)) > 1, "each thread that judges has a decoding child of its own"
        finally:
            taking.terminate()
            taking.wait(20)


def test_each_thread_has_a_decoder_and_a_reader_of_its_own_and_all_share_the_nets(tmp_path: Path) -> None:
    worker, both = open_worker(Settings(home=tmp_path, at_once=2)), Barrier(2)

    def mine() -> Tools:
        both.wait(60)
        return worker.tools_here()

    with ThreadPoolExecutor(2) as pool:
        first, second = (each.result(60) for each in [pool.submit(mine), pool.submit(mine)])
    assert first.decoder is not second.decoder
    assert first.reader is not second.reader
    assert first.engine is second.engine is worker.tools.engine
    assert first.memory is second.memory
    for tools in (first, second):
        tools.decoder.close()


def test_where_one_is_taken_at_a_time_there_is_one_of_each(tmp_path: Path) -> None:
    worker = open_worker(Settings(home=tmp_path))
    assert worker.tools_here() is worker.tools
