"""Authorities of the red team. C2PA: a maker we trust, its forger, a stranger, and one that leaked its key;
makers of phones and a time stamper, and who pretends to be them.

They are made anew in each process (keys and serial numbers come from the system), and `trust()` is the
list under which the same process judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from market.simulator import authority
from market.simulator.attesting import APP_ID, PACKAGE, SIGNER
from market.simulator.authority import Authority as Root
from market.simulator.credentials import Authority, forge, new_authority, sign_c2pa
from market.simulator.stamping import Stamper, new_stamper
from verification.attestation.makers import Makers
from verification.trust import TrustList

__all__ = [
    "Authorities",
    "Vouchers",
    "authorities",
    "graft",
    "name_remote",
    "sign_c2pa",
    "trust",
    "vouchers",
]
_MAKER, _LEAKY = (
    ("Trusted Cameras", "Trusted Cameras Root 1"),
    ("Careless Cameras", "Careless Cameras Root 1"),
)
_APP11 = 0xEB  # the JPEG segment that holds C2PA (ISO 19566-5)


@dataclass(frozen=True, slots=True)
class Authorities:
    """A trusted maker, one that bears its names, one nobody knows, and a trusted one whose key leaked."""

    maker: Authority
    forged: Authority
    unknown: Authority
    leaked: Authority


@dataclass(frozen=True, slots=True)
class Vouchers:
    """Who vouches for keys and hours.

    Attributes:
        apples / phones: makers of iPhones and of Android phones whose roots count.
        leaked: an Android intermediate under the same kind of root whose key is in a keybox for sale; listed.
        namesake: bears the Android maker's names.
        stamper / pretender: the authority that counts, and one that bears its name.
    """

    apples: Root
    phones: Root
    leaked: Root
    namesake: Root
    stamper: Stamper
    pretender: Stamper


@lru_cache(maxsize=1)
def vouchers() -> Vouchers:
    """The makers and stampers of this process."""
    phones, stamper = "Simulated Phones", "Simulated Stamper"
    return Vouchers(
        authority.found("Simulated Apples"),
        authority.found(phones),
        authority.found("Simulated Careless Phones"),
        authority.found(phones),
        new_stamper(stamper),
        new_stamper(stamper),
    )


@lru_cache(maxsize=1)
def authorities() -> Authorities:
    """The authorities of this process."""
    maker = new_authority(*_MAKER)
    return Authorities(
        maker, forge(maker.root_pem), new_authority("Nobody", "Nobody Root"), new_authority(*_LEAKY)
    )


def trust() -> TrustList:
    """Both camera makers count; the leaked camera's certificate is revoked, and so is the leaked keybox."""
    held = authorities()
    leaf = x509.load_pem_x509_certificates(held.leaked.chain_pem)[0]
    anchors = (held.maker.root_pem + held.leaked.root_pem).decode()
    asked = vouchers()
    makers = Makers(
        apple=(asked.apples.root,),
        apple_apps=frozenset({APP_ID}),
        android=(asked.phones.root, asked.leaked.root),
        android_apps=frozenset({(PACKAGE, SIGNER)}),
        revoked=frozenset({asked.leaked.intermediate.serial_number}),
        listed=True,
    )
    return TrustList(
        anchors,
        frozenset({_MAKER, _LEAKY}),
        frozenset({leaf.serial_number}),
        makers,
        (asked.stamper.authority.root,),
    )


def graft(donor: bytes, jpeg: bytes) -> bytes:
    """The JPEG with the C2PA segments of another."""
    return jpeg[:2] + b"".join(_segments(donor, _APP11)) + jpeg[2:]


def name_remote(jpeg: bytes, url: str) -> bytes:
    """The JPEG with nothing but the address of a manifest."""
    return sign_c2pa(jpeg, authorities().maker, remote_url=url)


def _segments(jpeg: bytes, marker: int) -> list[bytes]:
    """The segments of one marker before the picture's data."""
    found, at = [], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] == marker:
            found.append(jpeg[at:end])
        at = end
    return found
