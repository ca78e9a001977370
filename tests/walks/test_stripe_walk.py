"""Money through Stripe as an operator runs it: real server, real worker, the SDK, a Stripe on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.fakes.stripe import FakeStripe
from tests.servers import House

SECRET = "whsec_of_the_walk"


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


def house_of(folder: Path, stripe: FakeStripe, **env: str) -> House:
    ours = {
        "SPOTCHECK_RAIL": "stripe",
        "SPOTCHECK_STRIPE_SECRET_KEY": stripe.key,
        "SPOTCHECK_STRIPE_WEBHOOK_SECRET": SECRET,
        "SPOTCHECK_STRIPE_API_BASE": stripe.url,
    }
    return House(folder, env={**ours, **env})


def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)


@pytest.mark.timeout(180)
def test_a_card_pays_in_and_goes_back_through_webhooks(tmp_path: Path, stripe: FakeStripe) -> None:
    house = house_of(tmp_path, stripe)
    house.start()
    try:
        key = house.account(deposit=None)
        made = house.post("/v1/deposits", {"amount": "25.00"}, key=key).json()

        def now() -> dict[str, str]:
            found: dict[str, str] = house.get(f"/v1/operations/{made['id']}", key=key).json()
            return found

        until(lambda: now()["status"] == "waiting")
        assert now()["url"].startswith("https://")
        [session] = stripe.in_process().v1.checkout.sessions.list().data
        stripe.pay(session.id)
        delivered = stripe.deliver(f"{house.url}/v1/webhooks/stripe", SECRET, duplicates=0.5, shuffle=True)
        assert all(one.accepted for one in delivered)
        until(lambda: now()["status"] == "done")
        assert house.get("/v1/me", key=key).json()["balances"]["available"] == "25.00"
        back = house.post(f"/v1/deposits/{made['id']}/refunds", {"amount": "10.00"}, key=key).json()
        house.until_done(back["id"], key)
        again = house.post(f"/v1/deposits/{made['id']}/refunds", {"amount": "20.00"}, key=key)
        assert (again.status_code, again.json()["code"]) == (409, "StateConflict")
        assert house.get("/v1/me", key=key).json()["balances"]["available"] == "15.00"
        link = house.post("/v1/me/payee/link", None, key=house.account("lab", deposit=None))
        assert link.json()["url"].startswith("https://")
    finally:
        house.stop()


@pytest.mark.timeout(120)
def test_the_webhook_door(tmp_path: Path, stripe: FakeStripe) -> None:
    """Wrong, altered, unsigned: a problem and nothing taken in; without a secret there is no door."""
    house = house_of(tmp_path, stripe)
    house.workers = 0
    house.start()
    try:
        stripe.in_process().v1.customers.create({})
        url = f"{house.url}/v1/webhooks/stripe"
        for secret, how in (("whsec_other", {}), (SECRET, {"age_s": 600}), (SECRET, {"age_s": -600})):
            [refused] = stripe.deliver(url, secret, **how)  # type: ignore[arg-type]
            assert refused.status == 400
        answer = httpx2.post(url, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (400, "BadSignature")
        [taken] = stripe.deliver(url, SECRET)
        assert taken.accepted
    finally:
        house.stop()
    house = house_of(tmp_path, stripe, SPOTCHECK_STRIPE_WEBHOOK_SECRET="")
    house.workers = 0
    house.start()
    try:
        assert httpx2.post(f"{house.url}/v1/webhooks/stripe", content=b"{}").status_code == 404
    finally:
        house.stop()
