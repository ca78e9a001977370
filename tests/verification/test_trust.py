"""The trust folder: what its files say, and that a file with nonsense in it is refused, not passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from market.simulator.authority import found
from verification.trust import TrustList

APPLE, GOOGLE, STAMPER = found("Test Apple"), found("Test Google"), found("Test Stamper")
DIGEST = bytes(range(32))
STATUS = {
    "entries": {
        "c35747a084470c3135aeefe2b8d40cd6": {"status": "REVOKED", "reason": "KEY_COMPROMISE"},
        "8350192447815228107": {"status": "SUSPENDED"},
    }
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, authority in (("apple", APPLE), ("android", GOOGLE), ("timestamp", STAMPER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "root.pem").write_bytes(authority.root_pem)
    (tmp_path / "apple" / "apps.txt").write_text("# ours\nTEAM.org.app  # the beta\n\nTEAM.org.other\n")
    (tmp_path / "android" / "apps.txt").write_text(f"org.app {DIGEST.hex()}\n")
    (tmp_path / "android" / "status.json").write_text(json.dumps(STATUS))
    return tmp_path


def test_a_whole_folder(folder: Path) -> None:
    trust = TrustList.load(folder)
    assert trust.anchors_pem == "", "makers' roots are no C2PA roots"
    assert trust.stampers == (STAMPER.root,)
    makers = trust.makers
    assert (makers.apple, makers.android) == ((APPLE.root,), (GOOGLE.root,))
    assert makers.apple_apps == {"TEAM.org.app", "TEAM.org.other"}
    assert makers.android_apps == {("org.app", DIGEST)}
    assert makers.revoked == {0xC35747A084470C3135AEEFE2B8D40CD6}
    assert makers.suspended == {0x8350192447815228107}
    assert makers.listed


def test_an_empty_one(tmp_path: Path) -> None:
    assert TrustList.load(tmp_path) == TrustList()
    assert not TrustList().makers.listed


@pytest.mark.parametrize("name", ["apple", "android", "timestamp"])
def test_a_dropped_root(folder: Path, name: str) -> None:
    kept = {"apple", "android", "timestamp"} - {name}
    root = {"apple": APPLE, "android": GOOGLE, "timestamp": STAMPER}[name].root
    (folder / "revoked.txt").write_text(f"sha256:{root.fingerprint(hashes.SHA256()).hex()}\n")
    trust = TrustList.load(folder)
    held = {"apple": trust.makers.apple, "android": trust.makers.android, "timestamp": trust.stampers}
    assert held[name] == ()
    assert all(held[other] for other in kept)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("apple/root.pem", "no certificate"),
        ("android/root.pem", "no certificate"),
        ("timestamp/root.pem", "no certificate"),
        ("android/apps.txt", "org.app"),
        ("android/apps.txt", "org.app abcd"),
        ("android/apps.txt", f"org.app {'x' * 64}"),
        ("android/status.json", "{"),
        ("android/status.json", "[]"),
        ("android/status.json", '{"entries": []}'),
        ("android/status.json", '{"entries": {"12": {"status": "FINE"}}}'),
        ("android/status.json", '{"entries": {"12": "REVOKED"}}'),
        ("android/status.json", '{"entries": {"no hex": {"status": "REVOKED"}}}'),
    ],
)
def test_nonsense_is_refused(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(ValueError):
        TrustList.load(folder)
