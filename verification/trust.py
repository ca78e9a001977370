"""Whose C2PA signatures count: a folder of root certificates and a list of what was revoked.

Folder layout: any number of `*.pem` files, each with one or more certificates; and, if there is one,
`revoked.txt`: one entry a line, a signing certificate's serial number in hex, or `sha256:` and the
fingerprint of a root that must no longer count; `#` begins a comment. Camera makers have lost their
keys before (Nikon, 2025: all certificates revoked), and C2PA validators rarely ask OCSP, so our own
list decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class TrustList:
    """Roots and revocations in force.

    Attributes:
        anchors_pem: the roots that count, PEM, joined; "" trusts nobody.
        names: (organisation, common name) of each root: who a forger would pretend to be.
        revoked: serial numbers of signing certificates that no longer count.
    """

    anchors_pem: str = ""
    names: frozenset[tuple[str, str]] = frozenset()
    revoked: frozenset[int] = frozenset()

    @classmethod
    def load(cls, folder: Path) -> TrustList:
        """Reads a folder; one that does not exist trusts nobody.

        Raises:
            ValueError: a file holds something that is no certificate, or a line of revoked.txt no entry.
        """
        serials, fingerprints = _revocations(folder / "revoked.txt")
        roots = [
            root
            for path in sorted(folder.glob("*.pem"))
            for root in x509.load_pem_x509_certificates(path.read_bytes())
        ]
        kept = [root for root in roots if root.fingerprint(hashes.SHA256()) not in fingerprints]
        pem = "".join(root.public_bytes(serialization.Encoding.PEM).decode() for root in kept)
        return cls(pem, frozenset(map(_name_of, kept)) - {("", "")}, frozenset(serials))


def _revocations(path: Path) -> tuple[set[int], set[bytes]]:
    serials: set[int] = set()
    fingerprints: set[bytes] = set()
    for entry in _entries(path.read_text().splitlines() if path.exists() else []):
        if entry.startswith("sha256:"):
            fingerprints.add(bytes.fromhex(entry.removeprefix("sha256:")))
        else:
            serials.add(int(entry, 16))
    return serials, fingerprints


def _entries(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if entry := line.partition("#")[0].strip():
            yield entry


def _name_of(root: x509.Certificate) -> tuple[str, str]:
    def first(oid: x509.ObjectIdentifier) -> str:
        found = root.subject.get_attributes_for_oid(oid)
        return str(found[0].value) if found else ""

    return first(NameOID.ORGANIZATION_NAME), first(NameOID.COMMON_NAME)
