"""One trade in a market inside the test: a bounty, an accepted capture, an active claim, and their ids."""

from __future__ import annotations

from sqlalchemy import select

from bounties import service
from bounties.tables import Media, Observation
from core import clock
from core.accounts import service as accounts
from core.accounts.tables import Account
from core.money import Money
from payments.service import request_deposit
from tests.bounties import scene
from tests.inside import Inside
from verification.evidence import Verdict


def person(inside: Inside) -> tuple[scene.Person, str, str]:
    """A contributor with a phone; also the id and secret of a key."""
    with inside.database.transaction() as session:
        made = scene.new_person(session, now=clock.now())
        issued = accounts.issue_key(session, session.get_one(Account, made.account), now=clock.now())
        return made, issued.key.id, issued.secret


def trade(inside: Inside, buyer: str, contributor: scene.Person) -> dict[str, str]:
    """One bounty, two claims: one accepted with its observation, one still active. Their ids."""
    now = clock.now()
    with inside.database.transaction() as session:
        _, key = accounts.authenticate(session, buyer)
        wanted = scene.ask(slots=3, opens_at=now, closes_at=now + scene.LEASE * 60)
        bounty = scene.post(session, key, wanted, now=now)
        claim = scene.claim(session, contributor, bounty, now=now)
        capture = scene.submit(session, contributor, claim, now=now)
        operation = request_deposit(session, key.account, Money.parse("5"), now=now)
        approval = service.ask_approval(
            session, key, wanted, fee_basis_points=1000, request={}, request_hash="", now=now
        )
    scene.judge(inside.database, capture.id, Verdict.ACCEPT, now=now)
    with inside.database.transaction() as session:
        active = scene.claim(session, contributor, session.merge(bounty), now=now)
        observation = session.scalars(select(Observation)).one()
        media = session.scalars(select(Media).where(Media.role == "derivative")).one()
    inside.app.state.storage.put(b"copy")
    return {
        "bounty_id": bounty.id, "claim_id": active.id, "capture_id": capture.id, "operation_id": operation.id,
        "observation_id": observation.id, "sha256": media.sha256, "approval_id": approval.id,
        "account_id": key.account, "device_id": contributor.device,
    }  # fmt: skip
