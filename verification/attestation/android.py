"""Android Key Attestation: a key that secure hardware says it made, for our app, on a locked phone.

The attested key is the device's own: it signs the statement. The certificate *nearest the root* that holds a
key description is the hardware's word: whoever holds an attested key can sign a further certificate with any
description in it, and a reader of the first certificate would believe it.
Source: Android, "Verify hardware-backed key pairs with key attestation" and the KeyDescription schema
    (versions 1 to
400); github.com/google/android-key-attestation on the nearest certificate.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from verification.attestation import chain as chains
from verification.attestation import der
from verification.attestation.errors import Doubt, Forged, Malformed

DESCRIPTION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
SOFTWARE, TRUSTED_ENVIRONMENT, STRONG_BOX = range(3)
LEVELS = {TRUSTED_ENVIRONMENT: "tee", STRONG_BOX: "strongbox"}
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN, _ROOT_OF_TRUST, _APPLICATION = 1, 600, 702, 704, 709
_SIGN, _ATTEST_KEY = 2, 7  # purposes
_GENERATED, _VERIFIED = 0, 0


@dataclass(frozen=True, slots=True)
class Boot:
    """How the phone was started: state 0 verified, 1 self-signed, 2 unverified, 3 failed."""

    locked: bool
    state: int


@dataclass(frozen=True, slots=True)
class Description:
    """What we read of a KeyDescription.

    Attributes:
        levels: of the attestation and of the key: 0 software, 1 trusted environment, 2 StrongBox.
        purposes / origin / boot: as the *hardware* enforces them; origin and boot None where it does not say.
        shared: whether the key is usable by every app.
        packages / signers: of the app, as the system says them: names that share one user id, and SHA-256 of
            the certificates that signed them all.
    """

    levels: tuple[int, int]
    challenge: bytes
    purposes: frozenset[int]
    origin: int | None
    boot: Boot | None
    shared: bool
    packages: frozenset[str]
    signers: frozenset[bytes]


def attest(
    data: bytes,
    *,
    public_key: bytes,
    challenge: bytes,
    apps: Collection[tuple[str, bytes]],
    roots: Sequence[x509.Certificate],
    at: datetime,
    revoked: frozenset[int] = frozenset(),
    suspended: frozenset[int] = frozenset(),
) -> int:
    """Verifies a certificate chain (PEM, or DER laid end to end; the key's first); the key's security level.

    1. it leads to one of Google's roots, and nothing in it is revoked (see `chain.verify`);
    2. the certificate nearest the root that has a key description is the first, and those above it are
       authorities: no_key_description where none has one; attested_by_a_key where the nearest is of a key
       made for attesting others (KeyMint's ATTEST_KEY, of no use to our apps); else forged, chain_extended;
    3. its key is the one that signs: else forged, attested_other_key;
    4. it answers our challenge: else forged, challenge_mismatch;
    5. attestation and key are in a trusted environment or StrongBox: else software_key;
    6. the hardware made the key (key_not_generated) for signing (key_not_for_signing) by one app
       (key_shared);
    7. the phone is locked and booted what its maker signed: else boot_not_verified;
    8. the app is one of ours: else another_app.

    Args:
        public_key: DER SubjectPublicKeyInfo of the key that signed the statement.

    Raises:
        Malformed: it is no chain, or the description is none.
        Forged, Doubt: the first step that fails.
    """
    chain = chains.split(data)
    chains.verify(chain, roots, at=at, revoked=revoked, suspended=suspended)  # 1
    said = _nearest_root(chain)  # 2
    chains.check_authorities(chain)
    if chains.spki(chain[0]) != public_key:  # 3
        raise Forged("attested_other_key")
    if said.challenge != challenge:  # 4
        raise Forged("challenge_mismatch")
    if not set(said.levels) <= LEVELS.keys():  # 5
        raise Doubt("software_key")
    _check_key(said)  # 6
    if said.boot != Boot(True, _VERIFIED):  # 7
        raise Doubt("boot_not_verified")
    if not any(name in said.packages and signer in said.signers for name, signer in apps):  # 8
        raise Doubt("another_app")
    return min(said.levels)


def describe(raw: bytes) -> Description:
    """Reads a KeyDescription. Unknown entries of its lists are passed over, for new versions add some.

    Raises:
        Malformed: it is none.
    """
    fields = der.only(raw).sequence()
    if len(fields) < 8:
        raise Malformed("a key description of too few fields")
    software, hardware = _entries(fields[6]), _entries(fields[7])
    packages, signers = _app(software.get(_APPLICATION))
    return Description(
        levels=(fields[1].number(), fields[3].number()),
        challenge=fields[4].octets(),
        purposes=_purposes(hardware.get(_PURPOSE)),
        origin=hardware[_ORIGIN].number() if _ORIGIN in hardware else None,
        boot=_boot(hardware.get(_ROOT_OF_TRUST)),
        shared=_ALL_APPLICATIONS in software or _ALL_APPLICATIONS in hardware,
        packages=packages,
        signers=signers,
    )


def _nearest_root(chain: Sequence[x509.Certificate]) -> Description:
    for certificate in reversed(chain):
        raw = chains.extension(certificate, DESCRIPTION)
        if raw is not None:
            said = describe(raw)
            if certificate is chain[0]:
                return said
            attests = said.purposes == {_ATTEST_KEY}
            raise Doubt("attested_by_a_key") if attests else Forged("chain_extended")
    raise Doubt("no_key_description")


def _check_key(said: Description) -> None:
    """Step 6."""
    if said.origin != _GENERATED:
        raise Doubt("key_not_generated")
    if _SIGN not in said.purposes:
        raise Doubt("key_not_for_signing")
    if said.shared:
        raise Doubt("key_shared")


def _entries(listed: der.Value) -> dict[int, der.Value]:
    """An AuthorizationList: each entry under its explicit tag, once."""
    found: dict[int, der.Value] = {}
    for entry in listed.sequence():
        inner = entry.inner()
        if entry.kind != der.CONTEXT or len(inner) != 1 or entry.tag in found:
            raise Malformed("no authorization list")
        found[entry.tag] = inner[0]
    return found


def _purposes(value: der.Value | None) -> frozenset[int]:
    return frozenset(one.number() for one in value.set()) if value else frozenset()


def _boot(value: der.Value | None) -> Boot | None:
    """RootOfTrust: verifiedBootKey, deviceLocked, verifiedBootState, and a hash since version 3."""
    if value is None:
        return None
    parts = value.sequence()
    if len(parts) < 3:
        raise Malformed("no root of trust")
    return Boot(parts[1].truth(), parts[2].number())


def _app(value: der.Value | None) -> tuple[frozenset[str], frozenset[bytes]]:
    """AttestationApplicationId: packages, and the digests of the certificates that signed them all."""
    if value is None:
        return frozenset(), frozenset()
    parts = der.only(value.octets()).sequence()
    if len(parts) != 2:
        raise Malformed("no application id")
    packages = [info.sequence() for info in parts[0].set()]
    if not all(packages):
        raise Malformed("a package without a name")
    names = frozenset(info[0].octets().decode("utf-8", "replace") for info in packages)
    return names, frozenset(digest.octets() for digest in parts[1].set())
