"""Notes against published examples: golang.org/x/mod/sumdb/note/note_test.go (BSD-3), and C2SP's own pages.

Ed25519 is deterministic, so the Go example must come out byte for byte.
"""

from __future__ import annotations

import base64
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.note import BadNote, Checkpoint, Signer, Verifier, load_or_make_key, open_note

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
ENOCH_SIGNATURE = (
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
)
PETER_LINE = f"— PeterNeumann {PETER_SIGNATURE}\n"
ENOCH_LINE = f"— EnochRoot {ENOCH_SIGNATURE}\n"
NOTE = f"{TEXT}\n{PETER_LINE}"
C2SP_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def peter() -> Verifier:
    return Verifier.parse(PETER)


def test_the_published_key_signs_the_published_note() -> None:
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(PETER_SEED))
    assert signer.verifier.vkey == PETER
    assert signer.sign(TEXT) == NOTE
    assert open_note(NOTE, peter()) == TEXT


def test_each_of_two_signers_is_found_whatever_the_order() -> None:
    for lines in (PETER_LINE + ENOCH_LINE, ENOCH_LINE + PETER_LINE, PETER_LINE + PETER_LINE + ENOCH_LINE):
        for vkey in (PETER, ENOCH):
            assert open_note(f"{TEXT}\n{lines}", Verifier.parse(vkey)) == TEXT


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        "\x01" + NOTE,
        NOTE.replace("— PeterNeumann", "— Bad Name"),
        NOTE + "Unexpected line.\n",
        NOTE.replace("— ", "- "),
        f"{TEXT}\n— PeterNeumann x08go/ZJ!!!\n",
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n" + PETER_LINE * 101,
    ],
    ids=lambda note: repr(note[-30:]),
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        open_note(note, peter())


def test_changed_text_or_signature_does_not_verify() -> None:
    with pytest.raises(BadNote, match="does not verify"):
        open_note(NOTE.replace("your problem", "my problem"), peter())
    with pytest.raises(BadNote, match="does not verify"):
        open_note(NOTE.replace("SffcvIAQ", "SffcvIAR"), peter())


def test_a_note_signed_by_someone_else_is_refused() -> None:
    with pytest.raises(BadNote, match="not signed by"):
        open_note(f"{TEXT}\n{ENOCH_LINE}", peter())


def test_every_mangling_of_a_verifier_key_is_refused() -> None:
    """As the Go suite does: every proper slice, and every byte raised by one."""
    slices = [PETER[i:j] for i in range(len(PETER)) for j in range(i + 1, len(PETER) + 1)]
    raised = [PETER[:i] + chr(ord(c) + 1) + PETER[i + 1 :] for i, c in enumerate(PETER)]
    for vkey in [*(s for s in slices if s != PETER), *raised]:
        with pytest.raises(BadNote):
            Verifier.parse(vkey)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
    ids=["wrong length with fitting id", "unknown algorithm with fitting id"],
)
def test_keys_of_another_kind_are_refused(vkey: str) -> None:
    with pytest.raises(BadNote):
        Verifier.parse(vkey)


def test_the_checkpoint_of_the_specification() -> None:
    checkpoint = Checkpoint.parse(C2SP_CHECKPOINT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == C2SP_CHECKPOINT
    assert Checkpoint.parse(C2SP_CHECKPOINT + "an extension\n") == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        C2SP_CHECKPOINT[:-1],
        C2SP_CHECKPOINT.replace("20852163", "020852163"),
        C2SP_CHECKPOINT.replace("20852163", "-1"),
        C2SP_CHECKPOINT.replace("20852163", "+1"),
        C2SP_CHECKPOINT.replace("20852163", "\u0661"),
        C2SP_CHECKPOINT.replace("CsUY", ""),
        C2SP_CHECKPOINT.replace("CsUY", "C UY"),
        "\n" + C2SP_CHECKPOINT,
        C2SP_CHECKPOINT + "\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(text)


@pytest.mark.parametrize("text", ["no newline", "a\ttab\n", "bell\x07\n"])
def test_only_plain_text_is_signed(text: str) -> None:
    with pytest.raises(BadNote):
        Signer("log.example", Ed25519PrivateKey.generate()).sign(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "a\N{NO-BREAK SPACE}b"])
def test_key_names_hold_no_space_and_no_plus(name: str) -> None:
    with pytest.raises(BadNote):
        Verifier(name, bytes(32))


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.pem"
    first = load_or_make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make_key(path).private_bytes_raw() == first.private_bytes_raw()
    assert [p.name for p in path.parent.iterdir()] == ["log.pem"]


def test_starting_together_ends_with_one_key(tmp_path: Path) -> None:
    path, found = tmp_path / "log.pem", []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        found.append(load_or_make_key(path).private_bytes_raw())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.pem"
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(TypeError, match="no Ed25519"):
        load_or_make_key(path)
