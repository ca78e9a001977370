"""Nonsense in the place of an attestation: bytes changed, cut, doubled; none raises, and none is believed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from market.simulator.attesting import KeyFacts, key_attestation
from tests.verification.phones import CHALLENGE, GOOGLE, PUBLIC, android, iphone, judged
from verification.attestation.cbor import only
from verification.evidence import Attestation, Status
from verification.picture import Decoder

ODD = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
"""Mutants with a serial number below 1, of which the library warns."""


@ODD
def test_mutants_of_a_chain(decoder: Decoder) -> None:
    """400 seeded mutants of the bytes of leaf and intermediate: none raises, none is believed."""
    dice = random.Random(7)
    chain = key_attestation(GOOGLE, KeyFacts(PUBLIC, CHALLENGE))[:2]
    honest = b"".join(one.public_bytes(Encoding.DER) for one in chain)
    for _ in range(400):
        data = _mutant(honest, dice)
        outcome = judged(Attestation("android-key", data), decoder)
        assert data == honest or outcome.status in {Status.ABSTAIN, Status.HARD_FAIL}, outcome


@ODD
def test_mutants_of_pem(decoder: Decoder) -> None:
    """200 of the text: some say the same, for PEM has room; none raises."""
    dice, honest = random.Random(8), android().object
    for _ in range(200):
        judged(Attestation("android-key", _mutant(honest, dice)), decoder)


@ODD
def test_mutants_of_app_attest(decoder: Decoder) -> None:
    """400 of object and assertion: none is believed but where only the receipt changed, which is not read."""
    dice, honest = random.Random(9), iphone()
    told = _read(honest.object)
    for _ in range(400):
        given = replace(honest, object=_mutant(honest.object, dice))
        if dice.random() < 0.3:
            given = replace(honest, assertion=_mutant(honest.assertion, dice))
        outcome = judged(given, decoder)
        if outcome.status is Status.OK:
            assert _read(given.object) == told
            assert given.assertion == honest.assertion


def _read(data: bytes) -> tuple[object, object]:
    """Authenticator data and certificates."""
    value = only(data)
    assert isinstance(value, dict)
    statement = value["attStmt"]
    assert isinstance(statement, dict)
    return value["authData"], statement["x5c"]


def _mutant(data: bytes, dice: random.Random) -> bytes:
    bent = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 8])):
        at = dice.randrange(len(bent))
        how = dice.randrange(4)
        if how == 0:
            bent[at] = dice.randrange(256)
        elif how == 1:
            bent[at] ^= 1 << dice.randrange(8)
        elif how == 2:
            del bent[at : at + dice.choice([1, 4, 60])]
        else:
            bent[at:at] = bent[at : at + dice.choice([1, 4, 60])]
        if not bent:
            break
    return bytes(bent)
