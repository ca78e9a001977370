"""A small market without HTTP: accounts with money, devices with keys, bounties, claims, reports."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from bounties import claims, judging, rules, service, submissions
from bounties.rules import Ask, Kind, Licence
from bounties.tables import Bounty, Capture, Claim
from core.accounts import rules as account_rules
from core.accounts import service as accounts
from core.accounts.rules import DeviceKind
from core.accounts.tables import Account, ApiKey
from core.db import Database
from core.geo import Area
from core.money import Money
from payments import ledger
from payments import rules as money_rules
from verification.evidence import Derivative, Family, Finding, Neighbour, Report, Status, Verdict

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)


@dataclass
class Person:
    """A contributor with a device."""

    account: str
    device: str
    key: Ed25519PrivateKey


def new_agent(session: Session, dollars: str = "100", now: datetime = NOW) -> ApiKey:
    """An agent with money."""
    account = accounts.open_account(session, account_rules.Kind.AGENT, "agent", now=now)
    issued = accounts.issue_key(session, account, now=now)
    leg = money_rules.Leg(
        money_rules.asset("sandbox"), money_rules.available(account.id), Money.parse(dollars)
    )
    ledger.post(session, f"test:{account.id}", [leg], now=now)
    return issued.key


def new_person(session: Session, now: datetime = NOW) -> Person:
    """A contributor with an enrolled phone."""
    account: Account = accounts.open_account(session, account_rules.Kind.PERSON, "person", now=now)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    device = accounts.enrol(
        session,
        account,
        kind=DeviceKind.PHONE,
        algorithm="Ed25519",
        public_key=public,
        proof=key.sign(account_rules.enrolment_message(public)),
        name="phone",
        spot=None,
        now=now,
    )
    return Person(account.id, device.id, key)


def ask(reward: str = "0.50", slots: int = 1, hours: float = 2, **changes: object) -> Ask:
    """An ask for a photo in Tehran."""
    values: dict[str, object] = {
        "kind": Kind.PHOTO,
        "ask": "The queue at the bakery",
        "answer_schema": {"type": "integer", "minimum": 0},
        "area": Area.disc(35.7, 51.4, 100),
        "opens_at": NOW,
        "closes_at": NOW + timedelta(hours=hours),
        "reward": Money.parse(reward),
        "slots": slots,
        "tier": 0,
        "licence": Licence.BUYER_ONLY,
        "purpose": "testing",
        "max_freshness_s": 600.0,
        "stream": None,
    }
    return Ask(**{**values, **changes})  # type: ignore[arg-type]


def post(session: Session, key: ApiKey, wanted: Ask | None = None, now: datetime = NOW) -> Bounty:
    """Posts a bounty with a 10 % fee, a fifth of it a warranty premium."""
    return service.post_bounty(
        session, key, wanted or ask(), fee_basis_points=1000, warranty_basis_points=200, now=now
    )


def claim(session: Session, person: Person, bounty: Bounty, now: datetime = NOW) -> Claim:
    """Claims a slot for half an hour."""
    return claims.claim_bounty(
        session,
        person.account,
        bounty.id,
        person.device,
        hold_for=timedelta(minutes=30),
        new_code=lambda: "ACDEFG",
        now=now,
    )


def submit(
    session: Session,
    person: Person,
    claimed: Claim,
    now: datetime = NOW,
    media: bytes = b"x",
    answer: object = 3,
) -> Capture:
    """Commits, delivers and submits, honestly signed."""
    statement = json.dumps({"v": 1, "kind": "photo", "claim": claimed.id, "nonce": claimed.nonce})
    commitment = hashlib.sha256(statement.encode()).digest()
    signature = person.key.sign(account_rules.statement_message(commitment))
    submissions.commit(session, claimed, commitment, signature, now=now)
    submissions.deliver(session, claimed, hashlib.sha256(media).hexdigest(), "image/jpeg", len(media))
    bounty = session.get_one(Bounty, claimed.bounty)
    if rules.needs_burst(bounty.kind, bounty.tier):
        submissions.deliver_burst(session, claimed, hashlib.sha256(b"burst" + media).hexdigest(), 9)
    return submissions.submit_capture(session, claimed, statement, signature, answer, now=now)


def started(
    database: Database, slots: int = 1, reward: str = "0.50", people: int = 1
) -> tuple[str, list[str]]:
    """A bounty with one submitted capture a person. Gives its id and the captures'."""
    with database.transaction() as session:
        bounty = post(
            session,
            new_agent(session),
            ask(reward=reward, slots=slots, tier=rules.tier_for(Money.parse(reward))),
        )
        captures = []
        for number in range(people):
            person = new_person(session)
            claimed = claim(session, person, bounty)
            captures.append(submit(session, person, claimed, media=b"%d" % number).id)
        return bounty.id, captures


def report(
    capture: str, verdict: Verdict, neighbours: tuple[str, ...] = (), p: float = 0.97, copy: bytes = b"copy"
) -> Report:
    """A report as the verifier would write it."""
    made = Derivative(copy, hashlib.sha256(copy).hexdigest(), "image/jpeg", 4, 3)
    finding = Finding("session", "1", Family.SESSION, Status.OK, 2.0, (-3, 3), "session_holds", {}, 1.0)
    return Report(
        capture=capture,
        verdict=verdict,
        p_genuine=p,
        interval=(p - 0.05, min(1.0, p + 0.02)),
        p_answer=0.8,
        frauds={"forged": 1 - p},
        reasons=(),
        findings=(finding,),
        neighbours=tuple(Neighbour(n, "geometry", 0.99) for n in neighbours),
        derivatives=(made,),
        calibration="test",
        models={},
        engine="none: test",
        ms=1.0,
    )


def judge(
    database: Database, capture: str, verdict: Verdict, neighbours: tuple[str, ...] = (), now: datetime = NOW
) -> object:
    """Leases and settles a capture with a report of this verdict."""
    with database.transaction() as session:
        lease = judging.start_examination(session, capture, lease=LEASE, now=now)
    assert lease is not None
    with database.transaction() as session:
        return judging.settle_capture(session, lease, report(capture, verdict, neighbours), now=now)


def balance(session: Session, name: str) -> str:
    """A ledger account's balance in dollars."""
    return str(Money(ledger.balance(session, name)))
