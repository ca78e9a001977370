"""Failures on order: each kind as the SDK meets it, and each effect exactly once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.fakes.stripe import FakeStripe, Fault

CREATE = "POST /v1/customers"


@pytest.fixture
def fake() -> FakeStripe:
    return FakeStripe()


def create(client: stripe.StripeClient, key: str = "op-1") -> Any:
    return client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": key})


def made(fake: FakeStripe) -> int:
    return len(fake.world.platform.customers)


KINDS = [
    (Fault.DROP_BEFORE, stripe.APIConnectionError, None, 0),
    (Fault.DROP_AFTER, stripe.APIConnectionError, None, 1),
    (Fault.CONFLICT, stripe.APIError, 409, 0),
    (Fault.RATE_LIMIT, stripe.RateLimitError, 429, 0),
    (Fault.ERROR_BEFORE, stripe.APIError, 500, 0),
    (Fault.ERROR_AFTER, stripe.APIError, 500, 1),
    (Fault.OUTAGE, stripe.APIError, 503, 0),
]


@pytest.mark.parametrize(("fault", "error", "status", "effects"), KINDS)
@pytest.mark.parametrize("way", ["http", "in_process"])
def test_each_kind(
    fake: FakeStripe,
    way: str,
    fault: Fault,
    error: type[stripe.StripeError],
    status: int | None,
    effects: int,
) -> None:
    with fake:
        client = fake.client() if way == "http" else fake.in_process()
        fake.faults.next(CREATE, fault)
        with pytest.raises(error) as caught:
            create(client)
        assert caught.value.http_status == status
        assert (made(fake), fake.effects[CREATE], fake.calls[CREATE]) == (effects, effects, 1)
        assert fake.faults.count(fault, happened=bool(effects)) == fake.faults.count() == 1


def test_a_rate_limit_says_when_to_come_back(fake: FakeStripe) -> None:
    fake.faults.next(CREATE, Fault.RATE_LIMIT)
    with pytest.raises(stripe.RateLimitError) as caught:
        create(fake.in_process())
    headers: Any = caught.value.headers
    assert headers["Retry-After"] == "1"


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.CONFLICT, Fault.OUTAGE])
def test_the_sdk_tries_again_under_the_same_key(fake: FakeStripe, fault: Fault) -> None:
    fake.faults.next(CREATE, fault, times=2)
    customer = create(fake.in_process(max_network_retries=2))
    assert customer.email == "a@example.com"
    assert (made(fake), fake.effects[CREATE], fake.calls[CREATE]) == (1, 1, 3)
    assert fake.faults.count(fault, CREATE) == 2


@pytest.mark.parametrize(("fault", "effects"), [(Fault.ERROR_BEFORE, 0), (Fault.ERROR_AFTER, 1)])
def test_a_500_is_an_answer_and_stays_one_for_a_day(fake: FakeStripe, fault: Fault, effects: int) -> None:
    client = fake.in_process(max_network_retries=2)
    fake.faults.next(CREATE, fault)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            create(client)
    assert (made(fake), fake.calls[CREATE]) == (effects, 2)
    fake.advance(timedelta(hours=25))
    create(client)
    assert made(fake) == effects + 1


def test_after_a_day_a_key_is_forgotten_and_the_request_runs_again(fake: FakeStripe) -> None:
    client = fake.in_process()
    first = create(client)
    fake.advance(timedelta(hours=23))
    assert create(client).id == first.id
    fake.advance(timedelta(hours=1))
    assert create(client).id != first.id


def test_keys_belong_to_an_account(fake: FakeStripe) -> None:
    client = fake.in_process()
    account = client.v1.accounts.create({"type": "express"}).id
    first = create(client)
    other: Any = client.v1.customers.create(
        {"email": "a@example.com"}, {"idempotency_key": "op-1", "stripe_account": account}
    )
    assert other.id != first.id


def test_a_key_has_at_most_255_characters(fake: FakeStripe) -> None:
    create(fake.in_process(), "k" * 255)
    with pytest.raises(stripe.InvalidRequestError):
        create(fake.in_process(), "k" * 256)


def test_a_key_in_flight_is_409() -> None:
    started, go_on = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        assert seconds == 7
        started.set()
        assert go_on.wait(10)

    fake = FakeStripe(sleep=sleep)
    fake.faults.next(CREATE, Fault.DELAY, seconds=7)
    slow = threading.Thread(target=create, args=(fake.in_process(),))
    slow.start()
    try:
        assert started.wait(10)
        with pytest.raises(stripe.APIError) as caught:
            create(fake.in_process())
        create(fake.in_process(), "op-2")
    finally:
        go_on.set()
        slow.join()
    body: Any = caught.value.json_body
    assert (caught.value.http_status, body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert create(fake.in_process()).last_response.headers["Idempotent-Replayed"] == "true"
    assert made(fake) == 2


def test_many_at_once_under_one_key_are_one(fake: FakeStripe) -> None:
    with fake:
        client = fake.client()
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(create(client).id)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(found), len(set(found)), made(fake)) == (8, 1, 1)


def test_a_share_of_calls_is_the_same_for_the_same_seed() -> None:
    def broken(seed: int) -> list[bool]:
        fake = FakeStripe()
        fake.faults.chance("POST /v1/*", Fault.DROP_AFTER, 0.3, seed=seed)
        lost = []
        for number in range(40):
            try:
                create(fake.in_process(), f"op-{number}")
                lost.append(False)
            except stripe.APIConnectionError:
                lost.append(True)
        assert (made(fake), fake.faults.count(Fault.DROP_AFTER)) == (40, sum(lost))
        fake.faults.clear()
        create(fake.in_process(), "last")
        return lost

    assert broken(1) == broken(1) != broken(2)
    assert 4 < sum(broken(1)) < 20


def test_a_replay_that_is_lost_has_no_second_effect(fake: FakeStripe) -> None:
    client = fake.in_process()
    create(client)
    fake.faults.next(CREATE, Fault.DROP_AFTER)
    with pytest.raises(stripe.APIConnectionError):
        create(client)
    assert (made(fake), fake.faults.count(happened=False)) == (1, 1)


def test_what_breaks_inside_the_fake_is_not_hidden() -> None:
    def broken(seconds: float) -> None:
        raise ZeroDivisionError

    fake = FakeStripe(sleep=broken)
    fake.faults.next(CREATE, Fault.DELAY)
    with pytest.raises(ZeroDivisionError), fake, pytest.raises(stripe.APIConnectionError):
        create(fake.client())
    create(fake.in_process())
