"""Ending a device: by its own account only, at once, and for whatever is not judged yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.orm import Session

from bounties import judging
from core import errors
from core.accounts import rules, service
from core.accounts.rules import Scope
from core.accounts.tables import Account, Device
from core.db import Database
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.every.trade import person
from tests.inside import Inside


def test_a_phone_is_ended_by_its_accounts_key(inside: Inside) -> None:
    contributor, _, key = person(inside)
    path = f"/v1/devices/{contributor.device}"
    assert [shown["id"] for shown in inside.send("GET", "/v1/me", key).json()["devices"]] == [
        contributor.device
    ]
    assert [inside.send("DELETE", path, key).status_code for _ in range(2)] == [204, 204]
    assert inside.send("GET", "/v1/me", key).json()["devices"] == []


def test_nobody_ends_anothers_device(inside: Inside) -> None:
    contributor, _, key = person(inside)
    _, _, stranger = person(inside)
    path = f"/v1/devices/{contributor.device}"
    assert inside.send("DELETE", path, stranger).status_code == 404
    with inside.database.transaction() as session:
        account = session.get_one(Account, contributor.account)
        reader = service.issue_key(session, account, now=NOW, scopes=[Scope.READ]).secret
    assert inside.send("DELETE", path, reader).json()["facts"] == {"scope": "contribute"}
    assert len(inside.send("GET", "/v1/me", key).json()["devices"]) == 1


def test_an_ended_device_claims_nothing_and_what_it_handed_in_is_refused(database: Database) -> None:
    with database.transaction() as session:
        lost, key = scene.new_person(session), scene.new_agent(session)
        capture = scene.submit(session, lost, scene.claim(session, lost, scene.post(session, key)))
        assert not judging.evidence_of(session, capture.id).session.device_revoked
        service.revoke_device(session, lost.account, lost.device, now=NOW)
        service.revoke_device(session, lost.account, lost.device, now=NOW + timedelta(days=1))
        assert session.get_one(Device, lost.device).revoked_at == NOW
        with pytest.raises(errors.NotFound):
            scene.claim(session, lost, scene.post(session, key))
        assert judging.evidence_of(session, capture.id).session.device_revoked


def test_an_ended_device_makes_room_for_another_but_its_key_is_never_enrolled_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_DEVICES", 2)
    keys = [Ed25519PrivateKey.generate() for _ in range(4)]
    with database.transaction() as session:
        account = service.open_account(session, rules.Kind.PERSON, "person", now=NOW)
        first, _ = enrol(session, account, keys[0]), enrol(session, account, keys[1])
        with pytest.raises(errors.BadInput):
            enrol(session, account, keys[2])
        service.revoke_device(session, account.id, first.id, now=NOW)
        with pytest.raises(errors.Conflict):
            enrol(session, account, keys[0])
        assert enrol(session, account, keys[2])
        with pytest.raises(errors.BadInput):
            enrol(session, account, keys[3])


def enrol(session: Session, account: Account, key: Ed25519PrivateKey) -> Device:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return service.enrol(
        session,
        account,
        kind=rules.DeviceKind.PHONE,
        algorithm="Ed25519",
        public_key=public,
        proof=key.sign(rules.enrolment_message(public)),
        name="phone",
        spot=None,
        now=NOW,
    )
