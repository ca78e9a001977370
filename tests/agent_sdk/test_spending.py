"""Keys, approvals and switches through the SDK, against the real application inside the test's process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_type

import httpx2
import pytest

from agent_sdk import (
    AccountFrozen,
    ApiKey,
    Approval,
    ApprovalRequired,
    AsyncSpotcheck,
    Conflict,
    DeviceKey,
    Forbidden,
    KeyNotShown,
    LiveBounty,
    SpendingStopped,
    SpendLimitReached,
    Spotcheck,
    StateConflict,
    Unauthenticated,
)
from core.accounts.rules import Kind
from payments.tables import Operation as Row
from tests.inside import Inside

ASK = "The queue at the main door of the bakery"


def client(inside: Inside, key: str | None) -> Spotcheck:
    return Spotcheck(key, base_url="http://testserver", transport=inside.client._transport)


def test_a_limited_key_asks_its_owner_says_yes_and_it_posts(inside: Inside) -> None:
    owner = client(inside, inside.key(Kind.AGENT))
    made = owner.keys.create(["post", "read"], total="5", approve_over=Decimal("0.50"), kinds=["photo"])
    assert_type(made, ApiKey)
    assert made.limits.kinds == ("photo",)
    assert (made.limits.total, made.limits.approve_over) == (Decimal(5), Decimal("0.50"))
    agent = client(inside, made.secret)
    with pytest.raises(ApprovalRequired) as refused:
        agent.bounties.post(ASK, lat=35.69, lon=51.39, reward="1.00", purpose="a forecast")
    assert refused.value.facts == {"amount": "1.10", "approve_over": "0.50"}
    closes = datetime.now(UTC) + timedelta(hours=3)
    asked = agent.approvals.ask(
        ASK, lat=35.69, lon=51.39, reward="1.00", closes_at=closes, purpose="a forecast"
    )
    assert_type(asked, Approval)
    assert (asked.status, asked.amount, asked.key) == ("waiting", Decimal("1.10"), made.id)
    with pytest.raises(StateConflict):
        agent.bounties.post_approved(asked)
    with pytest.raises(Forbidden):
        agent.approvals.approve(asked.id)
    assert [each.id for each in owner.approvals.list(status="waiting")] == [asked.id]
    assert owner.approvals.approve(asked.id).status == "approved"
    bounty = agent.bounties.post_approved(asked)
    assert_type(bounty, LiveBounty)
    assert (bounty.reward, bounty.purpose, bounty.closes_at) == (Decimal(1), "a forecast", closes)
    assert agent.approvals.get(asked.id).bounty == bounty.id
    spent = agent.me().key
    assert spent is not None
    assert spent.spent == {"hour": Decimal("1.10"), "day": Decimal("1.10"), "total": Decimal("1.10")}
    again = agent.approvals.ask(ASK, lat=35.69, lon=51.39, reward="1.00", closes_at=closes)
    assert owner.approvals.refuse(again.id).status == "refused"


def test_named_by_hand_an_approval_is_for_the_same_post_only(inside: Inside) -> None:
    owner = client(inside, inside.key(Kind.AGENT))
    agent = client(inside, owner.keys.create(["post", "read"], approve_over="0").secret)
    closes = datetime.now(UTC) + timedelta(hours=3)
    asked = agent.approvals.ask(ASK, lat=35.69, lon=51.39, closes_at=closes)
    owner.approvals.approve(asked.id)
    with pytest.raises(ApprovalRequired):
        agent.bounties.post(ASK, lat=35.7, lon=51.39, closes_at=closes, approval=asked.id)
    posted = agent.bounties.post(ASK, lat=35.69, lon=51.39, closes_at=closes, approval=asked.id)
    assert agent.approvals.get(asked.id).bounty == posted.id


def test_the_switches(inside: Inside) -> None:
    owner = client(inside, inside.key(Kind.AGENT))
    made = owner.keys.create(["post", "read"], per_hour="0.60", cells=["85283473fffffff"])
    agent = client(inside, made.secret)
    with pytest.raises(SpendLimitReached, match="cells"):
        agent.bounties.post(ASK, lat=35.69, lon=51.39)
    assert owner.keys.stop(made.id).stopped_at is not None
    with pytest.raises(SpendingStopped):
        agent.bounties.post(ASK, lat=37.35, lon=-121.98)
    assert owner.keys.start(made.id).stopped_at is None
    agent.bounties.post(ASK, lat=37.35, lon=-121.98).cancel()
    assert agent.stop_spending().spending_stopped_at is not None
    with pytest.raises(SpendingStopped):
        owner.bounties.post(ASK, lat=37.35, lon=-121.98)
    with pytest.raises(Forbidden):
        agent.start_spending()
    assert owner.start_spending().spending_stopped_at is None
    assert [key.id for key in owner.keys.list()][1:] == [made.id]
    assert [key.id for key in agent.keys.list()] == [made.id]


def test_frozen_and_closed(inside: Inside) -> None:
    owner = client(inside, inside.key(Kind.AGENT))
    with pytest.raises(StateConflict) as refused:
        owner.close_account()
    assert refused.value.facts["available"] == "100.00"
    path = f"/v1/accounts/{owner.me().account.id}/freeze"
    inside.send("POST", path, inside.key(Kind.OPERATOR), json={"why": "dispute dp_1"})
    assert owner.me().account.status == "frozen"
    with pytest.raises(AccountFrozen):
        owner.bounties.post(ASK, lat=35.69, lon=51.39)
    lab = client(inside, inside.key(Kind.LAB))
    assert lab.close_account().status == "closed"
    with pytest.raises(Unauthenticated):
        lab.me()


def test_a_deposit_that_waits_says_where_a_person_pays(inside: Inside) -> None:
    owner = client(inside, inside.key(Kind.AGENT))
    made = owner.deposits.create("5")
    assert (made.status, made.url, made.reason) == ("new", None, None)
    with inside.database.transaction() as session:
        row = session.get_one(Row, made.id)
        row.status, row.url, row.reason = "waiting", "https://pay.example/1", "card_declined"
    waits = owner.deposits.get(made.id)
    assert (waits.status, waits.url, waits.reason) == ("waiting", "https://pay.example/1", "card_declined")


class LosesTheFirst(httpx2.BaseTransport):
    """Loses the first reply, after the server has acted."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self.inner, self.count = inner, 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.inner.handle_request(request)
        self.count += 1
        if self.count == 1:
            raise httpx2.ReadError("the reply was lost")
        return answer


def test_a_key_whose_reply_was_lost_is_an_error_and_not_a_client_without_one(inside: Inside) -> None:
    wire = inside.client._transport
    with pytest.raises(KeyNotShown, match="new idempotency_key"):
        Spotcheck.register("flaky", "http://testserver", transport=LosesTheFirst(wire))
    assert Spotcheck.register("flaky", "http://testserver", transport=wire).api_key
    secret, device = inside.key(Kind.AGENT), DeviceKey.create()
    with pytest.raises(KeyNotShown) as lost:
        Spotcheck(secret, base_url="http://testserver", transport=LosesTheFirst(wire)).keys.create(["read"])
    owner, nobody = client(inside, secret), client(inside, None)
    assert lost.value.facts["key"] in {key.id for key in owner.keys.list()}
    with pytest.raises(KeyNotShown, match="another DeviceKey"):
        Spotcheck(base_url="http://testserver", transport=LosesTheFirst(wire)).devices.enrol(
            device, kind="phone"
        )
    with pytest.raises(Conflict):
        nobody.devices.enrol(device, kind="phone")
    enrolled = nobody.devices.enrol(DeviceKey.create(), kind="phone", idempotency_key="once")
    assert enrolled.key is not None
    # With a key there is none to show.
    with Spotcheck(
        enrolled.key.secret, base_url="http://testserver", transport=LosesTheFirst(wire)
    ) as person:
        assert person.devices.enrol(DeviceKey.create(), kind="phone").key is None


def test_the_same_of_the_awaiting_client(inside: Inside) -> None:
    async def register() -> AsyncSpotcheck:
        wire = httpx2.ASGITransport(app=inside.app)
        return await AsyncSpotcheck.register(
            "flaky", "http://testserver", transport=wire, idempotency_key="twice"
        )

    assert asyncio.run(register()).api_key
    with pytest.raises(KeyNotShown):
        asyncio.run(register())


def test_the_same_awaited(inside: Inside) -> None:
    async def walk() -> None:
        transport = httpx2.ASGITransport(app=inside.app)
        async with AsyncSpotcheck(
            inside.key(Kind.AGENT), base_url="http://testserver", transport=transport
        ) as owner:
            made = await owner.keys.create(["post", "read"], approve_over="0.10")
            agent = AsyncSpotcheck(made.secret, base_url="http://testserver", transport=transport)
            asked = await agent.approvals.ask(ASK, lat=35.69, lon=51.39)
            await owner.approvals.approve(asked.id)
            assert (await agent.bounties.post_approved(asked)).status == "open"
            assert [each.status async for each in owner.approvals.list()] == ["used"]
            await owner.keys.stop(made.id)
            with pytest.raises(SpendingStopped):
                await agent.approvals.ask(ASK, lat=35.69, lon=51.39)

    asyncio.run(walk())
