"""Retries, idempotency and refusals, without a socket or a real second."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from agent_sdk import (
    ConnectionFailed,
    InsufficientFunds,
    NotFound,
    SpotcheckError,
    StateConflict,
    TimedOut,
    TooMany,
    Unavailable,
    UnreadableReply,
)
from agent_sdk._core import Core, Reply, Request, Sleep
from agent_sdk.types import Bounty
from tests.agent_sdk.market import START, Market, problem


def _post(market: Market, **changes: object) -> Bounty:
    return market.client().bounties.post("open?", lat=1.0, lon=2.0, **changes)  # type: ignore[arg-type]


def test_a_lost_reply_is_repeated_under_the_same_key_and_buys_once() -> None:
    market = Market()
    market.lost_replies = 2
    bounty = _post(market)
    sent = market.sent("POST", "/v1/bounties")
    assert len(sent) == 3
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    assert len({request.content for request in sent}) == 1
    assert list(market.bounties) == [bounty.id]


def test_two_calls_have_two_keys_and_a_callers_key_is_kept() -> None:
    market = Market()
    _post(market)
    _post(market)
    _post(market, idempotency_key="mine")
    keys = [request.headers["idempotency-key"] for request in market.sent("POST", "/v1/bounties")]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_pauses_double_and_end_with_the_typed_error() -> None:
    market = Market()
    market.faults = [httpx2.ConnectError("refused")] * 3
    with pytest.raises(ConnectionFailed) as caught:
        market.client().me()
    assert market.clock.slept == [0.5, 1.0]
    assert caught.value.status is None
    market.faults = [httpx2.ReadTimeout("slow")] * 3
    with pytest.raises(TimedOut):
        market.client().me()


def test_jitter_takes_off_at_most_a_quarter() -> None:
    core = Core("http://x", jitter=lambda: 1.0)
    assert [core._backoff(attempt) for attempt in range(6)] == [0.375, 0.75, 1.5, 3.0, 6.0, 6.0]


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7.0), (format_datetime(START + timedelta(seconds=9), usegmt=True), 9.0), ("soon", 0.5)],
)
def test_retry_after_is_obeyed_in_both_forms(header: str, expected: float) -> None:
    market = Market()
    market.faults = [problem(429, "TooMany", **{"retry-after": header})]
    market.client().me()
    assert market.clock.slept == [expected]


def test_a_retry_after_of_hours_is_told_not_slept() -> None:
    market = Market()
    market.faults = [problem(429, "TooMany", **{"retry-after": "3600"})]
    with pytest.raises(TooMany) as caught:
        market.client().me()
    assert market.clock.slept == []
    assert caught.value.facts["retry_after"] == 3600


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_passing_faults_are_repeated(status: int) -> None:
    market = Market()
    market.faults = [httpx2.Response(status)]
    assert market.client().me().account.id == "acc_1"


@pytest.mark.parametrize(
    ("status", "code"), [(400, "BadInput"), (402, "InsufficientFunds"), (409, "Conflict")]
)
def test_refusals_are_not_repeated(status: int, code: str) -> None:
    market = Market()
    market.faults = [problem(status, code)]
    with pytest.raises(SpotcheckError) as caught:
        market.client().me()
    assert (caught.value.code, len(market.requests)) == (code, 1)


def test_the_servers_word_on_retrying_goes_first() -> None:
    market = Market()
    market.faults = [problem(503, "Unavailable", **{"x-should-retry": "false"})]
    with pytest.raises(Unavailable):
        market.client().me()
    assert len(market.requests) == 1
    market.faults = [problem(409, "StateConflict", **{"x-should-retry": "true"})]
    market.client().me()
    assert len(market.requests) == 3


def test_a_refusal_carries_what_a_program_needs() -> None:
    market = Market()
    market.faults = [problem(402, "InsufficientFunds", facts={"available": "0.10", "needed": "0.70"})]
    with pytest.raises(InsufficientFunds) as caught:
        _post(market)
    error = caught.value
    assert (error.code, error.status, error.request_id) == ("InsufficientFunds", 402, "req_7")
    assert error.facts == {"available": "0.10", "needed": "0.70"}
    assert error.docs_url == "http://market.test/docs/errors#InsufficientFunds"
    assert str(error) == "InsufficientFunds happened (about InsufficientFunds) [request req_7]"


def test_a_code_of_tomorrow_keeps_its_name_and_gets_the_nearest_class() -> None:
    market = Market()
    market.faults = [problem(404, "GoneFishing")]
    with pytest.raises(NotFound) as caught:
        market.client().me()
    assert caught.value.code == "GoneFishing"


def test_a_proxys_page_is_a_typed_error_too() -> None:
    market = Market()
    market.faults = [httpx2.Response(404, text="<html>nginx</html>", headers={"x-request-id": "r1"})]
    with pytest.raises(NotFound) as caught:
        market.client().me()
    assert caught.value.request_id == "r1"
    market.faults = [httpx2.Response(418)]
    with pytest.raises(SpotcheckError) as teapot:
        market.client().me()
    assert teapot.value.status == 418


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"account": 7}'])
def test_a_reply_of_another_shape_is_named(body: str) -> None:
    market = Market()
    market.faults = [httpx2.Response(200, content=body)]
    with pytest.raises(UnreadableReply):
        market.client().me()


def test_the_core_runs_without_any_client() -> None:
    core = Core("http://x", "sk_1", jitter=lambda: 0.0)
    flow = core.call(Bounty, "GET", "/v1/bounties/bty_1", params={"a": "b c"})
    request = next(flow)
    assert isinstance(request, Request)
    assert request.url == "http://x/v1/bounties/bty_1?a=b+c"
    assert request.headers["authorization"] == "Bearer sk_1"
    assert "sk_1" not in repr(request)
    assert "sk_1" not in repr(core)
    assert flow.send(Reply(503, {}, b"")) == Sleep(0.5)
    assert flow.send(None) == request
    with pytest.raises(StateConflict):
        flow.send(Reply(409, {}, json.dumps({"code": "StateConflict"}).encode()))
