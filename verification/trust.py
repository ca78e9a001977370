"""Whose signatures count: a folder of root certificates and a list of what was revoked.

Folder layout: any number of `*.pem` files, each with one or more C2PA certificates; and, if there is one,
`revoked.txt`: one entry a line, a signing certificate's serial number in hex, or `sha256:` and the
fingerprint of a root that must no longer count; `#` begins a comment. Camera makers have lost their
keys before (Nikon, 2025: all certificates revoked), and C2PA validators rarely ask OCSP, so our own
list decides. `apple/` and `android/` hold what counts for attestations (`verification.attestation.makers`),
`timestamp/*.pem` the roots of time stamping authorities; `revoked.txt` is for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from verification.attestation.makers import Makers, entries, roots


@dataclass(frozen=True, slots=True)
class TrustList:
    """Roots and revocations in force.

    Attributes:
        anchors_pem: the C2PA roots that count, PEM, joined; "" trusts nobody.
        names: (organisation, common name) of each of them: who a forger would pretend to be.
        revoked: serial numbers of signing certificates that no longer count.
        makers: what counts for attestations.
        stampers: roots of time stamping authorities.
    """

    anchors_pem: str = ""
    names: frozenset[tuple[str, str]] = frozenset()
    revoked: frozenset[int] = frozenset()
    makers: Makers = field(default_factory=Makers)
    stampers: tuple[x509.Certificate, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> TrustList:
        """Reads a folder; one that does not exist trusts nobody.

        Raises:
            ValueError: a file holds something that is not of its format, or a line of revoked.txt no entry.
        """
        serials, fingerprints = _revocations(folder / "revoked.txt")
        kept = roots(folder, fingerprints)
        pem = "".join(root.public_bytes(serialization.Encoding.PEM).decode() for root in kept)
        return cls(
            pem,
            frozenset(map(_name_of, kept)) - {("", "")},
            frozenset(serials),
            Makers.load(folder, fingerprints),
            roots(folder / "timestamp", fingerprints),
        )


def _revocations(path: Path) -> tuple[set[int], set[bytes]]:
    serials: set[int] = set()
    fingerprints: set[bytes] = set()
    for entry in entries(path):
        if entry.startswith("sha256:"):
            fingerprints.add(bytes.fromhex(entry.removeprefix("sha256:")))
        else:
            serials.add(int(entry, 16))
    return serials, fingerprints


def _name_of(root: x509.Certificate) -> tuple[str, str]:
    def first(oid: x509.ObjectIdentifier) -> str:
        found = root.subject.get_attributes_for_oid(oid)
        return str(found[0].value) if found else ""

    return first(NameOID.ORGANIZATION_NAME), first(NameOID.COMMON_NAME)
