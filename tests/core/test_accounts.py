"""Keys, scopes, spend limits and devices: what is stored, what is refused,
what holds when many try at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties.tables import Bounty
from core import errors
from core.accounts import rules, service
from core.accounts.rules import DeviceKind, Kind, Limits, Scope
from core.accounts.tables import Account, ApiKey, Device, SpendWindow
from core.db import Database
from core.geo import Spot
from core.money import Money
from tests.bounties import scene
from tests.core.signing import compressed, der, raw, spki

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POSTS = 100
TEN = Money.parse("1.10").times(10)  # of posts at a reward of 1.00


def opened(session: Session, kind: Kind = Kind.AGENT) -> Account:
    return service.open_account(session, kind, "tester", now=NOW)


# Keys


def test_no_file_of_the_database_holds_a_secret(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        account = opened(session)
        secrets = [service.issue_key(session, account, now=NOW).secret for _ in range(5)]
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)
    assert len(files) >= 2, "the write-ahead log counts too"
    assert account.id.encode() in stored
    for secret in secrets:
        assert secret.encode() not in stored
        assert secret.removeprefix(rules.KEY_PREFIX).encode() not in stored
        assert rules.secret_hash(secret).encode() in stored


def test_a_secret_is_256_random_bits_behind_a_known_prefix() -> None:
    made = {rules.new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(secret) for secret in made} == {46}
    assert all(secret.startswith("sk_") for secret in made)


def test_a_key_opens_its_own_account_until_it_is_revoked(database: Database) -> None:
    with database.transaction() as session:
        account = opened(session)
        issued = service.issue_key(session, account, now=NOW)
        other = service.issue_key(session, opened(session), now=NOW)
        assert service.authenticate(session, issued.secret)[0].id == account.id
        for wrong in ("", "sk_", issued.secret[:-1], issued.secret + "A", issued.secret.upper(),
        issued.key.id,
                      rules.secret_hash(issued.secret), "\x00", "é", "%"):  # fmt: skip
            with pytest.raises(errors.Unauthenticated):
                service.authenticate(session, wrong)
        service.revoke_key(session, issued.key, issued.key.id, now=NOW)
        service.revoke_key(session, issued.key, issued.key.id, now=NOW + timedelta(days=1))
        assert issued.key.revoked_at == NOW
        with pytest.raises(errors.Unauthenticated):
            service.authenticate(session, issued.secret)
        assert service.authenticate(session, other.secret)[1].id == other.key.id


def test_a_key_is_revoked_by_its_own_account_and_by_none_that_may_do_less(database: Database) -> None:
    with database.transaction() as session:
        account = opened(session)
        full = service.issue_key(session, account, now=NOW).key
        small = service.issue_key(session, account, now=NOW, scopes=[Scope.READ]).key
        capped = service.issue_key(session, account, now=NOW, limits=Limits(total=Money(1))).key
        stranger = service.issue_key(session, opened(session), now=NOW).key
        for by, refusal in (
            (stranger, errors.NotFound),
            (small, errors.Forbidden),
            (capped, errors.Forbidden),
        ):
            with pytest.raises(refusal):
                service.revoke_key(session, by, full.id, now=NOW)
        for missing in ("", "key_", "key_" + "0" * 26):
            with pytest.raises(errors.NotFound):
                service.revoke_key(session, full, missing, now=NOW)
        service.revoke_key(session, small, small.id, now=NOW)
        service.revoke_key(session, full, capped.id, now=NOW)
        assert (full.revoked_at, small.revoked_at, capped.revoked_at) == (None, NOW, NOW)


@pytest.mark.parametrize("kind", list(Kind))
def test_no_account_gets_a_key_beyond_its_kind(database: Database, kind: Kind) -> None:
    with database.transaction() as session:
        account = opened(session, kind)
        assert set(service.issue_key(session, account, now=NOW).key.scopes) == rules.SCOPES_OF[kind]
        for scope in set(Scope) - rules.SCOPES_OF[kind]:
            with pytest.raises(errors.Forbidden):
                service.issue_key(session, account, now=NOW, scopes=[scope])


def test_only_operators_review_and_nobody_who_reviews_trades() -> None:
    for kind, scopes in rules.SCOPES_OF.items():
        assert (Scope.REVIEW in scopes) == (kind is Kind.OPERATOR)
    assert not rules.SCOPES_OF[Kind.OPERATOR] & {Scope.POST, Scope.CONTRIBUTE, Scope.MONEY}


# Spend limits


def limited(database: Database, limits: Limits, dollars: str = "1000") -> str:
    """A funded agent's key with limits; its id."""
    with database.transaction() as session:
        first = scene.new_agent(session, dollars)
        account = session.get_one(Account, first.account)
        return service.issue_key(session, account, now=NOW, limits=limits).key.id


def post(database: Database, key_id: str, reward: str = "1.00", now: datetime = NOW) -> None:
    with database.transaction() as session:
        wanted = scene.ask(reward, opens_at=now, closes_at=now + timedelta(hours=2))
        scene.post(session, session.get_one(ApiKey, key_id), wanted, now=now)


def outcomes(count: int, work: Callable[[], object]) -> list[type[Exception] | None]:
    """What `count` threads that start together met: None or the class of their error."""
    start = threading.Barrier(count)

    def run(_: int) -> type[Exception] | None:
        start.wait(timeout=60)
        try:
            work()
        except errors.SpotcheckError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("limits", [Limits(total=TEN), Limits(per_day=TEN), Limits(per_hour=TEN)])
def test_parallel_posts_never_pass_a_cap_of_ten_prices(postgres: Database, limits: Limits) -> None:
    key = limited(postgres, limits)
    met = outcomes(POSTS, lambda: post(postgres, key))
    assert met.count(None) == 10
    assert met.count(errors.SpendLimitReached) == POSTS - 10
    with postgres.reading() as session:
        spent = session.get_one(ApiKey, key).spent_total
        bounties = session.scalars(select(Bounty)).all()
    assert spent == TEN.micros
    assert len(bounties) == 10


def test_a_cap_a_micro_short_holds(postgres: Database) -> None:
    key = limited(postgres, Limits(total=Money.parse("10.999999")))
    met = outcomes(12, lambda: post(postgres, key))
    assert met.count(None) == 9


def test_a_refused_post_spends_nothing(database: Database) -> None:
    key = limited(database, Limits(total=Money.parse("100"), per_day=Money.parse("100")), dollars="1.5")
    post(database, key)
    with pytest.raises(errors.InsufficientFunds):
        post(database, key)
    with pytest.raises(errors.PolicyRefused), database.transaction() as session:
        scene.post(session, session.get_one(ApiKey, key), scene.ask(ask="Photo of her house"))
    with database.reading() as session:
        assert session.get_one(ApiKey, key).spent_total == Money.parse("1.10").micros
        assert [row.spent for row in session.scalars(select(SpendWindow))] == [Money.parse("1.10").micros] * 2


def test_the_limit_of_a_day_begins_anew_at_midnight_utc(database: Database) -> None:
    key = limited(database, Limits(per_day=Money.parse("2.20")))
    late = datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=UTC)
    post(database, key, now=late)
    post(database, key, now=late)
    with pytest.raises(errors.SpendLimitReached) as refused:
        post(database, key, now=late)
    assert refused.value.facts == {"limit": "per_day", "allowed": "2.20"}
    post(database, key, now=late + timedelta(microseconds=1))


def test_one_bounty_may_not_pass_its_own_limit(database: Database) -> None:
    key = limited(database, Limits(per_bounty=Money.parse("0.55")))
    post(database, key, reward="0.50")
    with pytest.raises(errors.SpendLimitReached):
        post(database, key, reward="0.500001")


def test_the_database_refuses_an_overspent_key_by_itself(database: Database) -> None:
    key = limited(database, Limits(total=Money(100)))
    with pytest.raises(Exception, match="total"), database.transaction() as session:
        session.get_one(ApiKey, key).spent_total = 101


# Devices


def enrol(
    session: Session, account: Account, key: object, proof: bytes | None = None, **changes: object
) -> Device:
    public = changes.pop("public_key", spki(key))
    assert isinstance(public, bytes)
    algorithm = "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "ES256"
    values: dict[str, object] = {
        "kind": DeviceKind.PHONE, "algorithm": algorithm, "public_key": public, "name": "phone", "spot": None,
        "proof": proof if proof is not None else raw(key, rules.enrolment_message(public)), "now": NOW,
    }  # fmt: skip
    return service.enrol(session, account, **{**values, **changes})  # type: ignore[arg-type]


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("make", [p256, ed25519.Ed25519PrivateKey.generate])
def test_a_device_that_proves_its_key_is_enrolled_once_in_the_whole_house(
    database: Database, make: Callable[[], object]
) -> None:
    key = make()
    with database.transaction() as session:
        account = opened(session, Kind.PERSON)
        device = enrol(session, account, key)
        assert service.own_device(session, account.id, device.id).public_key == spki(key)
        for again in (account, opened(session, Kind.PERSON)):
            with pytest.raises(errors.Conflict):
                enrol(session, again, key)
        with pytest.raises(errors.NotFound):
            service.own_device(session, opened(session).id, device.id)


def test_one_key_in_another_encoding_is_not_a_second_device(database: Database) -> None:
    key = p256()
    small = compressed(key)
    with database.transaction() as session, pytest.raises(errors.BadSignature):
        enrol(session, opened(session, Kind.PERSON), key, public_key=small)


def test_a_proof_by_another_key_over_another_text_or_in_der_is_refused(database: Database) -> None:
    key = p256()
    message = rules.enrolment_message(spki(key))
    good = raw(key, message)
    bad = [
        b"", bytes(64), good[:-1], good + b"\x00", good[32:] + good[:32], der(key, message), raw(p256(),
        message),
        raw(key, spki(key)), raw(key, rules.statement_message(message[-32:])), raw(key, message + b"\n"),
        b"\xff" * 64, good.hex().encode(),
    ]  # fmt: skip
    with database.transaction() as session:
        account = opened(session, Kind.PERSON)
        for proof in bad:
            with pytest.raises(errors.BadSignature):
                enrol(session, account, key, proof)
        assert session.scalars(select(Device)).all() == []
        enrol(session, account, key, good)


def test_a_key_of_another_curve_kind_or_algorithm_is_refused(database: Database) -> None:
    others = [
        ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ]  # fmt: skip
    with database.transaction() as session:
        account = opened(session, Kind.PERSON)
        for key in others:
            with pytest.raises(errors.BadSignature):
                enrol(session, account, key)
        for key, algorithm in ((p256(), "Ed25519"), (ed25519.Ed25519PrivateKey.generate(), "ES256"),
        (p256(), "none"),
                               (p256(), ""), (p256(), "HS256")):  # fmt: skip
            with pytest.raises(errors.BadSignature):
                enrol(session, account, key, algorithm=algorithm)
        for public in (b"", b"\x30", spki(p256())[:-1], spki(p256()) + b"\x00", os.urandom(91)):
            with pytest.raises(errors.BadSignature):
                enrol(session, account, p256(), public_key=public)


def test_an_instrument_says_where_it_stands_and_a_phone_does_not(database: Database) -> None:
    with database.transaction() as session:
        lab = opened(session, Kind.LAB)
        with pytest.raises(errors.BadInput):
            enrol(session, lab, p256(), kind=DeviceKind.INSTRUMENT)
        placed = enrol(session, lab, p256(), kind=DeviceKind.INSTRUMENT, spot=Spot(35.7, 51.4))
        assert (placed.lat, placed.lon) == (35.7, 51.4)
        assert enrol(session, lab, p256(), spot=Spot(35.7, 51.4)).lat is None


def test_an_account_holds_fifty_devices_however_many_enrol_at_once(postgres: Database) -> None:
    with postgres.transaction() as session:
        lab = opened(session, Kind.LAB)
        for _ in range(service.MAX_DEVICES - 2):
            enrol(session, lab, ed25519.Ed25519PrivateKey.generate())

    def one_more() -> None:
        with postgres.transaction() as session:
            enrol(session, session.get_one(Account, lab.id), ed25519.Ed25519PrivateKey.generate())

    met = outcomes(10, one_more)
    assert met.count(None) == 2
    assert met.count(errors.BadInput) == 8


@given(st.binary(max_size=100))
def test_base64url_has_one_form(data: bytes) -> None:
    text = rules.b64u(data)
    assert rules.unb64u(text) == data
    for other in (text + "=", text + "\n", text + " ", "+" + text, "/" + text, text + "é"):
        with pytest.raises(ValueError):
            rules.unb64u(other)


def test_loose_bits_at_the_end_are_refused() -> None:
    assert rules.unb64u("QQ") == b"A"
    for text in ("QR", "QQ==", "Q", "Q+8"):
        with pytest.raises(ValueError):
            rules.unb64u(text)


@given(st.binary(max_size=80), st.binary(max_size=100))
def test_no_bytes_but_its_own_verify(signature: bytes, message: bytes) -> None:
    key = p256()
    assert not rules.signature_fits("ES256", spki(key), signature, message)
    assert rules.signature_fits("ES256", spki(key), raw(key, message), message)
