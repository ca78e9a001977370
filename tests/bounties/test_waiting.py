"""Waiting for an observation: soon told, cheap while nothing happens, and not without limit."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import event

from bounties import routes, waiting
from core import clock, errors
from core.accounts import service as accounts
from core.accounts.rules import Kind
from tests.bounties import scene
from tests.every.trade import person
from tests.inside import Inside, is_problem
from verification.evidence import Verdict


def open_bounty(inside: Inside, secret: str) -> str:
    """A bounty of two slots, one capture of it submitted and not judged."""
    contributor, _, _ = person(inside)
    now = clock.now()
    with inside.database.transaction() as session:
        _, key = accounts.authenticate(session, secret)
        wanted = scene.ask(slots=2, opens_at=now, closes_at=now + scene.LEASE * 60)
        bounty = scene.post(session, key, wanted, now=now)
        claimed = scene.claim(session, contributor, bounty, now=now)
        scene.submit(session, contributor, claimed, now=now)
        return bounty.id


def capture_of(inside: Inside) -> str:
    with inside.database.reading() as session:
        return str(session.connection().exec_driver_sql("SELECT id FROM captures").scalar())


def test_a_waiter_is_told_soon_after_the_observation_is_there(inside: Inside) -> None:
    key = inside.key(Kind.AGENT)
    bounty, capture = open_bounty(inside, key), capture_of(inside)
    judged: list[float] = []

    def judge() -> None:
        time.sleep(0.5)
        scene.judge(inside.database, capture, Verdict.ACCEPT, now=clock.now())
        judged.append(time.monotonic())

    judging = threading.Thread(target=judge)
    judging.start()
    answer = inside.send("GET", f"/v1/bounties/{bounty}/wait?timeout=20", key)
    told = time.monotonic()
    judging.join()
    assert len(answer.json()["observations"]) == 1
    assert told - judged[0] < 1, "0.2 s is the aim; the rest is for a busy machine"


def test_shapes_are_built_once_however_long_one_waits(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = inside.key(Kind.AGENT)
    bounty, capture = open_bounty(inside, key), capture_of(inside)
    scene.judge(inside.database, capture, Verdict.ACCEPT, now=clock.now())
    look, built, asked = routes._look, [], []

    def counted(*arguments: Any) -> Any:
        built.append(1)
        return look(*arguments)

    monkeypatch.setattr(routes, "_look", counted)
    event.listen(inside.database.engine, "before_cursor_execute", lambda *row: asked.append(row[2]))
    began = time.monotonic()
    answer = inside.send("GET", f"/v1/bounties/{bounty}/wait?timeout=1&seen=1", key)
    assert (answer.status_code, len(answer.json()["observations"]), len(built)) == (200, 1, 1)
    assert time.monotonic() - began >= 1
    reads = [statement for statement in asked if "SELECT" in statement]
    assert len(reads) <= 1.1 / waiting.POLL_S + 15, "one read a look, and the shapes at the end"


def test_an_account_waits_so_often_at_once_and_no_more(inside: Inside) -> None:
    key, other = inside.key(Kind.AGENT), inside.key(Kind.AGENT)
    bounty, others = open_bounty(inside, key), open_bounty(inside, other)
    with inside.database.reading() as session:
        account = accounts.authenticate(session, key)[0].id
    waiters: waiting.Waiters = inside.app.state.waiters
    with ExitStack() as held:
        for _ in range(waiting.MOST_PER_ACCOUNT):
            held.enter_context(waiters.place(account))
        refused = inside.send("GET", f"/v1/bounties/{bounty}/wait?timeout=0", key)
        assert (refused.status_code, refused.json()["code"], is_problem(refused)) == (429, "TooMany", True)
        assert refused.headers["Retry-After"] == str(waiting.RETRY_AFTER_S)
        assert inside.send("GET", f"/v1/bounties/{others}/wait?timeout=0", other).status_code == 200
    for _ in range(3):
        assert inside.send("GET", f"/v1/bounties/{bounty}/wait?timeout=0", key).status_code == 200
        assert inside.send("GET", f"/v1/bounties/bty_{'0' * 26}/wait?timeout=0", key).status_code == 404


def test_a_stranger_is_sent_away_at_once(inside: Inside) -> None:
    """A wait that lasted would say that there is such a bounty, and that it is open."""
    bounty, began = open_bounty(inside, inside.key(Kind.AGENT)), time.monotonic()
    answer = inside.send("GET", f"/v1/bounties/{bounty}/wait?timeout=10", inside.key(Kind.AGENT))
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
    assert time.monotonic() - began < 5


def test_many_waiters_look_no_more_often_than_a_few() -> None:
    waiters, paces = waiting.Waiters(), []
    with ExitStack() as held:
        for number in range(300):
            held.enter_context(waiters.place(f"acc_{number}"))
            paces.append(waiters.pause())
    assert paces[: waiting.AT_FULL_PACE] == [waiting.POLL_S] * waiting.AT_FULL_PACE
    assert paces == sorted(paces)
    assert paces[-1] == waiting.LONGEST_POLL_S
    looks_a_second = [number / pace for number, pace in enumerate(paces, 1) if pace < waiting.LONGEST_POLL_S]
    assert max(looks_a_second) <= waiting.AT_FULL_PACE / waiting.POLL_S + 1e-6


def test_nobody_who_has_left_keeps_a_place() -> None:
    waiters = waiting.Waiters()
    for _ in range(2 * waiting.MOST_PER_ACCOUNT):
        with pytest.raises(errors.NotFound), waiters.place("acc_1"):
            raise errors.NotFound("no such bounty")
    assert not waiters._of
    assert waiters.pause() == waiting.POLL_S
