"""Claims: take a slot under a challenge and a deadline, give it up, let it lapse."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bounties import rules, service
from bounties.rules import BountyState, CaptureState, ClaimState, Kind
from bounties.tables import Bounty, Capture, Claim, Slot
from core import errors, states
from core.accounts import service as accounts
from core.accounts.rules import AccountState, DeviceKind
from core.accounts.tables import Device
from core.ids import new_id
from verification.codes import new_pan
from verification.evidence import Family

MAX_ACTIVE_CLAIMS = 5
MAX_IN_REVIEW = 5


def claim_bounty(
    session: Session,
    account: str,
    bounty_id: str,
    device_id: str,
    *,
    hold_for: timedelta,
    new_code: Callable[[], str],
    now: datetime,
) -> Claim:
    """Reserves a slot for a contributor and sets the challenge.

    Args:
        hold_for: how long the slot is kept; never past the bounty's closing.
        new_code: makes the code to be seen in the scene (used where the tier asks for one).

    Raises:
        NotFound: no such bounty or device. StateConflict: not open now, or one's own bounty, or a claim
        of this contributor is active already. NothingLeft: no slot. BadInput: the wrong kind of device.
        TooMany: too many claims were let go (`rules.cool_down`), or captures refused (`MAX_REFUSED`), lately.
    """
    bounty = session.get(Bounty, bounty_id)
    if bounty is None:
        raise errors.NotFound("no such bounty")
    device = accounts.own_device(session, account, device_id)
    _check_claim(bounty, device, account, now)
    _check_contributor(session, bounty, account, now)
    slot = service.take_slot(session, bounty, now=now, actor=account)
    asked = rules.required_families(bounty.kind, bounty.tier)
    values = {
        "id": new_id("clm"),
        "bounty": bounty.id,
        "slot": slot.id,
        "account": account,
        "device": device.id,
        "status": ClaimState.ACTIVE.value,
        "nonce": secrets.token_hex(32),
        "code": new_code() if Family.CHALLENGE in asked else "",
        "pan": new_pan() if Family.MOVES in asked else "",
        "issued_at": now,
        "deadline": min(now + hold_for, bounty.closes_at),
    }
    claim = Claim(**values)
    session.add(claim)
    states.began(session, claim, now=now, tenant=account, actor=account)
    return claim


def _check_claim(bounty: Bounty, device: Device, account: str, now: datetime) -> None:
    if bounty.status != BountyState.OPEN or not bounty.opens_at <= now < bounty.closes_at:
        raise errors.StateConflict("this bounty takes no claims now", status=bounty.status)
    if bounty.account == account:
        raise errors.StateConflict("nobody fulfils their own bounty")
    wanted = DeviceKind.INSTRUMENT if bounty.kind == Kind.STREAM else DeviceKind.PHONE
    if device.kind != wanted:
        raise errors.BadInput(f"a {bounty.kind} bounty needs a device of kind {wanted.value}")


def _check_contributor(session: Session, bounty: Bounty, account: str, now: datetime) -> None:
    """Refuses those who hold too many claims, one on this bounty already, or let too many go lately.

    What waits for a person counts as held: else one contributor could fill every slot with captures that
    no check can settle, and so close the bounty to all others for as long as a review may take.
    """
    # The account's row is locked first, so that claims made side by side are counted too.
    if accounts.lock(session, account).status == AccountState.CLOSED:
        raise errors.AccountClosed("this account is closed")
    held = set(
        session.scalars(
            select(Claim.bounty).where(Claim.account == account, Claim.status == ClaimState.ACTIVE.value)
        )
    )
    reviewed = list(
        session.scalars(
            select(Capture.bounty).where(
                Capture.account == account, Capture.status == CaptureState.REVIEW.value
            )
        )
    )
    if bounty.id in held:
        raise errors.StateConflict(
            "you hold a claim on this bounty already", hint="Finish or abandon it first."
        )
    if bounty.id in reviewed:
        raise errors.StateConflict(
            "a capture of yours waits for a person here", hint="Wait for that decision."
        )
    if len(held) >= MAX_ACTIVE_CLAIMS or len(reviewed) >= MAX_IN_REVIEW:
        raise errors.StateConflict(
            f"you hold {len(held)} claims, and {len(reviewed)} of your captures wait for a person",
            hint=f"At most {MAX_ACTIVE_CLAIMS} claims and {MAX_IN_REVIEW} reviews at a time.",
        )
    _check_refusals(session, bounty, account, now)
    let_go = (ClaimState.EXPIRED.value, ClaimState.ABANDONED.value)
    count, last = session.execute(
        select(func.count(), func.max(Claim.issued_at)).where(
            Claim.account == account,
            Claim.status.in_(let_go),
            Claim.issued_at > now - rules.LET_GO_WITHIN,
        )
    ).one()
    if last is not None and (wait := last + rules.cool_down(count) - now) > timedelta(0):
        raise errors.TooMany(
            f"you let {count} claims go since yesterday",
            hint="Wait facts.retry_after seconds; claim what you will finish.",
            retry_after=math.ceil(wait.total_seconds()),
        )


def _check_refusals(session: Session, bounty: Bounty, account: str, now: datetime) -> None:
    """Refuses who was refused too often lately, here or in all: verdicts are not for feeling one's way.

    What is not judged yet counts as if it were refused, but of a stream: else all tries were made at once.
    """
    refused = session.execute(
        select(Capture.bounty, Capture.judged_at).where(
            Capture.account == account,
            Capture.status.in_(state.value for state in rules.REFUSED),
            Capture.judged_at > now - rules.REFUSED_WITHIN,
        )
    ).all()
    judged = [(where, at) for where, at in refused if at is not None]
    anywhere = sorted(at for _, at in judged)
    here = sorted(at for where, at in judged if where == bounty.id)
    unjudged = select(func.count()).where(
        Capture.account == account,
        Capture.bounty == bounty.id,
        Capture.status.in_(state.value for state in rules.UNJUDGED),
    )
    waits = [
        times[-most] + rules.REFUSED_WITHIN - now
        for times, most in ((here, rules.MAX_REFUSED), (anywhere, rules.MAX_REFUSED_ANYWHERE))
        if len(times) >= most
    ]
    if bounty.kind != Kind.STREAM and len(here) + session.scalars(unjudged).one() >= rules.MAX_REFUSED:
        waits.append(rules.TRY_AGAIN)
    if waits:
        raise errors.TooMany(
            f"{len(here)} of your captures here and {len(anywhere)} in all were refused since yesterday",
            hint="Wait facts.retry_after seconds. An appeal lets a person look at a refused capture.",
            retry_after=math.ceil(max(waits).total_seconds()),
        )


def own_claim(session: Session, account: str, claim_id: str) -> Claim:
    """A claim of this contributor. Raises NotFound otherwise."""
    claim = session.get(Claim, claim_id)
    if claim is None or claim.account != account:
        raise errors.NotFound("no such claim")
    return claim


def active_claim(session: Session, account: str, claim_id: str, now: datetime) -> Claim:
    """A claim that can still be worked on.

    Raises:
        NotFound; StateConflict: submitted, given up, or past its deadline.
    """
    claim = own_claim(session, account, claim_id)
    session.refresh(claim, with_for_update=True)
    if claim.status != ClaimState.ACTIVE or claim.deadline <= now:
        status = claim.status if claim.status != ClaimState.ACTIVE else ClaimState.EXPIRED.value
        raise errors.StateConflict("this claim is over", status=status, hint="Claim the bounty again.")
    return claim


def end_claim(session: Session, claim: Claim, to: ClaimState, *, now: datetime, actor: str) -> None:
    """Gives a claim up (or lets it lapse) and frees its slot."""
    states.move(session, claim, to, rules.CLAIM, now=now, tenant=claim.account, actor=actor)
    bounty, slot = session.get_one(Bounty, claim.bounty), session.get_one(Slot, claim.slot)
    service.free_slot(session, bounty, slot, now=now, actor=actor)


def expire_claim(session: Session, claim_id: str, *, now: datetime) -> bool:
    """Lets a claim lapse whose deadline has passed. False when there is nothing to do."""
    # Locked and read anew: of two sweepers the second finds it done, and does not collide with the first.
    claim = session.get_one(Claim, claim_id, with_for_update=True, populate_existing=True)
    if claim.status != ClaimState.ACTIVE or claim.deadline > now:
        return False
    end_claim(session, claim, ClaimState.EXPIRED, now=now, actor="sweeper")
    return True
