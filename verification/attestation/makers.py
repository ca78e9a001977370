"""Which makers' roots, apps and revocations count for attestations: two folders beside the C2PA roots.

    apple/*.pem          roots of App Attest
    apple/apps.txt       our App IDs, one a line: team, a full stop, bundle
    android/*.pem        roots of Key Attestation
    android/apps.txt     our apps, one a line: package, a blank, SHA-256 in hex of the certificate that signs
    it android/status.json  the status list as Google publishes it
    (https://android.googleapis.com/attestation/status)

`#` begins a comment in the text files. Nothing is fetched: whoever runs the verifier keeps the files fresh.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Makers:
    """Roots, apps and revocations in force; nobody's unless told.

    Attributes:
        apple_apps: App IDs.
        android_apps: (package, SHA-256 of its signing certificate).
        revoked / suspended: serial numbers of Android's status list.
        listed: whether there was a status list at all.
    """

    apple: tuple[x509.Certificate, ...] = ()
    apple_apps: frozenset[str] = frozenset()
    android: tuple[x509.Certificate, ...] = ()
    android_apps: frozenset[tuple[str, bytes]] = frozenset()
    revoked: frozenset[int] = frozenset()
    suspended: frozenset[int] = frozenset()
    listed: bool = False

    @classmethod
    def load(cls, folder: Path, dropped: Collection[bytes] = ()) -> Makers:
        """Reads the folders; one that does not exist names nobody.

        Args:
            dropped: SHA-256 fingerprints of roots that must no longer count.

        Raises:
            ValueError: a file is not of its format.
        """
        status = folder / "android" / "status.json"
        revoked, suspended = parse_status(status.read_bytes()) if status.exists() else (set(), set())
        return cls(
            apple=roots(folder / "apple", dropped),
            apple_apps=frozenset(entries(folder / "apple" / "apps.txt")),
            android=roots(folder / "android", dropped),
            android_apps=frozenset(map(_app, entries(folder / "android" / "apps.txt"))),
            revoked=frozenset(revoked),
            suspended=frozenset(suspended),
            listed=status.exists(),
        )


def roots(folder: Path, dropped: Collection[bytes] = ()) -> tuple[x509.Certificate, ...]:
    """The certificates of a folder's `*.pem` files. Raises ValueError for a file that holds none."""
    found = [
        root
        for path in sorted(folder.glob("*.pem"))
        for root in x509.load_pem_x509_certificates(path.read_bytes())
    ]
    return tuple(root for root in found if root.fingerprint(hashes.SHA256()) not in dropped)


def entries(path: Path) -> Iterable[str]:
    """A text file's lines without comments and blanks; none where there is no file."""
    for line in path.read_text().splitlines() if path.exists() else ():
        if entry := line.partition("#")[0].strip():
            yield entry


def parse_status(raw: bytes) -> tuple[set[int], set[int]]:
    """(revoked, suspended) serial numbers of Android's status list.

    Raises:
        ValueError: not that format, or a status that is neither REVOKED nor SUSPENDED.
    """
    value = json.loads(raw)
    listed = value.get("entries") if isinstance(value, dict) else None
    if not isinstance(listed, dict):
        raise ValueError("a status list holds an object `entries`")
    found: dict[str, set[int]] = {"REVOKED": set(), "SUSPENDED": set()}
    for serial, entry in listed.items():
        status = entry.get("status") if isinstance(entry, dict) else None
        if status not in found:
            raise ValueError(f"the status list says {status!r} of {serial[:40]!r}")
        found[status].add(int(serial, 16))
    return found["REVOKED"], found["SUSPENDED"]


def _app(line: str) -> tuple[str, bytes]:
    package, _, digest = line.partition(" ")
    if len(bytes.fromhex(digest)) != 32:
        raise ValueError(f"{package[:80]!r} needs the SHA-256 of its signing certificate")
    return package, bytes.fromhex(digest)
