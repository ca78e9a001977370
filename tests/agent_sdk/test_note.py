"""Signed checkpoints, with the key and signature published in golang.org/x/mod/sumdb/note."""

from __future__ import annotations

import pytest

from agent_sdk._note import LogKey, NoteInvalid, open_checkpoint
from tests.agent_sdk.trees import Log, mth

GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)


def test_the_published_key_and_signature_are_understood() -> None:
    key = LogKey.parse(GO_VKEY)
    assert (key.name, key.key_id.hex(), key.vkey) == ("PeterNeumann", "c74f20a3", GO_VKEY)
    with pytest.raises(NoteInvalid, match="a checkpoint is"):  # the signature verified; it is no checkpoint
        open_checkpoint(GO_NOTE, key)
    with pytest.raises(NoteInvalid, match="does not verify"):
        open_checkpoint(GO_NOTE.replace("cryptography", "cryptographY"), key)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "PeterNeumann",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("PeterNeumann", "PeterNewmann"),
        GO_VKEY.replace("+AR", "+AB"),
        GO_VKEY[:-4],
        GO_VKEY + "AAAA",
    ],
)
def test_other_keys_are_refused(bad: str) -> None:
    with pytest.raises(NoteInvalid):
        LogKey.parse(bad)


def test_a_checkpoint_is_read_and_any_change_to_it_is_seen() -> None:
    log = Log()
    log.leaves += [b"a", b"b"]
    key, note = LogKey.parse(log.vkey), log.checkpoint()
    head = open_checkpoint(note, key)
    assert (head.origin, head.size, head.root) == (log.name, 2, mth(log.leaves))
    for at in range(len(note.split("\n\n", maxsplit=1)[0])):
        if note[at] != "\n":
            changed = note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]
            with pytest.raises(NoteInvalid):
                open_checkpoint(changed, key)


def test_another_signer_another_origin_and_odd_sizes_are_refused() -> None:
    log, other = Log(), Log(seed=b"8" * 32)
    key = LogKey.parse(log.vkey)
    root = log.checkpoint().split("\n")[2]
    for note in (
        other.checkpoint(),
        log.sign(f"another.example/log\n0\n{root}\n"),
        log.sign(f"{log.name}\n007\n{root}\n"),
        log.sign(f"{log.name}\n-1\n{root}\n"),
        log.sign(f"{log.name}\n1\n{root[:-8]}\n"),
        log.sign(f"{log.name}\n1\n"),
        log.checkpoint().rstrip("\n"),
        log.checkpoint().split("\n\n", maxsplit=1)[0],
        log.checkpoint().replace("\N{EM DASH}", "--"),
    ):
        with pytest.raises(NoteInvalid):
            open_checkpoint(note, key)


def test_a_witness_beside_the_log_does_not_disturb() -> None:
    log, witness = Log(), Log("witness.example", b"9" * 32)
    note = log.checkpoint()
    text = note.split("\n\n", maxsplit=1)[0] + "\n"
    both = witness.sign(text) + note.split("\n\n")[1]
    assert open_checkpoint(both, LogKey.parse(log.vkey)).size == 0
