"""The fake's webhooks: what the SDK accepts and refuses, and how they arrive."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import stripe

from tests.fakes.stripe import FakeStripe

SECRET = "whsec_new"


class Inbox:
    """Takes deliveries as an endpoint would.

    Args:
        statuses: what it answers, in turn; 200 after that.
    """

    def __init__(self, *statuses: int) -> None:
        self.got: list[tuple[bytes, str]] = []
        self._statuses = list(statuses)

    def __call__(self, body: bytes, headers: dict[str, str]) -> int:
        self.got.append((body, headers["Stripe-Signature"]))
        return self._statuses.pop(0) if self._statuses else 200

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for body, _ in self.got]


@pytest.fixture
def fake() -> FakeStripe:
    fake = FakeStripe()
    client = fake.in_process()
    for number in range(6):
        client.v1.customers.create({"metadata": {"number": str(number)}}, {"idempotency_key": f"op-{number}"})
    return fake


def read(body: bytes, header: str, secret: str = SECRET) -> Any:
    return stripe.Webhook.construct_event(body, header, secret)


def test_the_sdk_accepts_them(fake: FakeStripe) -> None:
    inbox = Inbox()
    done = fake.deliver(inbox, SECRET)
    event = read(*inbox.got[0])
    assert (event.type, event.data.object["metadata"]["number"]) == ("customer.created", "0")
    assert (event.api_version, event.livemode, event.pending_webhooks) == (stripe.api_version, False, 1)
    assert event.request.idempotency_key == "op-0"
    assert [one.accepted for one in done] == [True] * 6
    assert fake.queued() == []
    assert fake.deliver(inbox, SECRET) == []


def test_an_altered_body_or_a_wrong_secret_is_refused(fake: FakeStripe) -> None:
    inbox = Inbox()
    fake.deliver(inbox, SECRET)
    body, header = inbox.got[0]
    for args in ((body.replace(b"customer", b"Customer"), header), (body, header, "whsec_other")):
        with pytest.raises(stripe.SignatureVerificationError):
            read(*args)


def test_a_rotated_secret_signs_beside_the_new_one(fake: FakeStripe) -> None:
    inbox = Inbox()
    fake.deliver(inbox, SECRET, old_secrets=["whsec_old"])
    body, header = inbox.got[0]
    assert header.count("v1=") == 2
    assert read(body, header, "whsec_old").id == read(body, header, SECRET).id


def test_old_ones_are_refused_and_future_ones_the_sdk_lets_pass(fake: FakeStripe) -> None:
    old, future = Inbox(503), Inbox()
    fake.deliver(old, SECRET, age_s=360)
    with pytest.raises(stripe.SignatureVerificationError):
        read(*old.got[0])
    fake.deliver(future, SECRET, age_s=-3600)
    assert read(*future.got[0]).type == "customer.created"


def test_what_is_not_accepted_comes_again(fake: FakeStripe) -> None:
    inbox = Inbox(500)
    first = fake.deliver(inbox, SECRET)
    assert [one.status for one in first] == [500, 200, 200, 200, 200, 200]
    again = fake.deliver(inbox, SECRET)
    assert [one.event for one in again] == [first[0].event]
    assert fake.queued() == []


def test_twice_out_of_order_or_never(fake: FakeStripe) -> None:
    order = [str(event["id"]) for event in fake.queued()]
    inbox = Inbox()
    done = fake.deliver(inbox, SECRET, duplicates=0.5, drops=0.3, shuffle=True, seed=4)
    assert len(done) > 6
    assert 0 < len(inbox.ids) < len(done)
    assert sorted(set(inbox.ids), key=order.index) != list(dict.fromkeys(inbox.ids))
    assert fake.queued() == []


def test_an_event_of_a_connected_account_names_it(fake: FakeStripe) -> None:
    client = fake.in_process()
    account = client.v1.accounts.create({"type": "express"}).id
    fake.onboard(account)
    ours, theirs = Inbox(), Inbox()
    fake.deliver(theirs, SECRET, connect=True)
    fake.deliver(ours, SECRET, connect=False)
    event = read(*theirs.got[0])
    assert (event.type, event.account, len(theirs.got)) == ("account.updated", account, 1)
    assert "account" not in json.loads(ours.got[0][0])


def test_an_event_is_what_was_true_then(fake: FakeStripe) -> None:
    client: Any = fake.in_process()
    card = {
        "amount": 1000,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "off_session": True,
    }
    intent = client.v1.payment_intents.create(card)
    client.v1.refunds.create({"payment_intent": intent.id})
    (before,) = client.v1.events.list({"type": "charge.succeeded"}).data
    (after,) = client.v1.events.list({"type": "charge.refunded"}).data
    assert (before.data.object["amount_refunded"], after.data.object["amount_refunded"]) == (0, 1000)


def test_they_travel_over_http(fake: FakeStripe) -> None:
    got: list[tuple[bytes, str]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(
                (self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"])
            )
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            """Tests are quiet."""

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        done = fake.deliver(f"http://127.0.0.1:{server.server_port}/hook", SECRET)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [one.status for one in done] == [204] * 6
    assert read(*got[0]).type == "customer.created"
