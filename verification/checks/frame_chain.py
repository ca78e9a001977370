"""frame_chain: the frames are those that the device chained while it filmed, in that order.

Stops: frames put in, left out or changed after filming, in a video whose device sent the chain's heads while
it was still filming.
How: over the encoded frames (packets) of the picture track as the file holds them, h_0 = SHA-256 of
"spotcheck-frame-chain-v1" and h_i = SHA-256(h_(i-1) || SHA-256(packet_i)). The statement's `frame_chain`
lists heads: [{"frames": i, "head": hex of h_i, "at": RFC 3339 time}, ...] with i rising (`at` may be
missing). Every head must be the file's own at that count, and times must rise and lie no closer together than
the frames do, by more than two seconds. Packets and not decoded pictures, for an encoder hands those out and
a decoder is not needed.
Limits: a list that comes in the statement alone, after filming, says no more than the file's hash does; it is
worth what the receiver's own record of the heads is worth, so this check gives no positive evidence. A file
that was packed anew keeps its packets; one that was encoded anew does not, and is refused. MP4 holds H.264
with length prefixes: a device must chain what it writes into the file.
Source: hash chains, Lamport 1981; for video Gennaro & Rohatgi 1997 (signing digital streams).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.film import Film
from verification.registry import check
from verification.statement import instant_of

MAX_HEADS = 64  # a statement has 4,096 characters
SLACK_S = 2.0


@check("frame_chain", family=Family.INTEGRITY, version="1", cost=1, kinds={"video"}, bounds=(0.0, 0.0))
def frame_chain(case: Case) -> Outcome:
    """OK "frames_as_chained"; hard-fails "unreadable_chain", "frames_not_as_chained" or "chain_out_of_time";
    abstains "no_film" or "no_chain". The final head is among the facts, chained or not."""
    film = case.film
    if film is None or not film.heads:
        return abstain("no_film")
    facts: dict[str, Json] = {"head": film.heads[-1].hex(), "packets": len(film.heads)}
    said = (case.statement or {}).get("frame_chain")
    if said is None:
        return abstain("no_chain", **facts)
    heads = _heads(said)
    if heads is None:
        return hard_fail("unreadable_chain", **facts)
    wrong = [count for count, head, _ in heads if not _fits(film, count, head)]
    if wrong:
        return hard_fail("frames_not_as_chained", first_wrong=wrong[0], **facts)
    timed = [(film.packets[count - 1].t, at) for count, _, at in heads if at is not None]
    if any(b[1] - a[1] < max(0.0, b[0] - a[0] - SLACK_S) for a, b in pairwise(timed)):
        return hard_fail("chain_out_of_time", **facts)
    return ok(0.0, "frames_as_chained", heads=len(heads), chained=heads[-1][0], **facts)


def _fits(film: Film, count: int, head: str) -> bool:
    return count <= len(film.heads) and film.heads[count - 1].hex() == head.lower()


def _heads(said: Json) -> list[tuple[int, str, float | None]] | None:
    """(packets, hex, seconds since 1970) a head; None for what is no such list."""
    if not isinstance(said, list) or not 1 <= len(said) <= MAX_HEADS:
        return None
    found = [_head(entry) for entry in said]
    known = [entry for entry in found if entry is not None]
    rising = all(a[0] < b[0] for a, b in pairwise(known))
    return known if len(known) == len(found) and rising else None


def _head(entry: Json) -> tuple[int, str, float | None] | None:
    if not isinstance(entry, Mapping):
        return None
    count, head, at = entry.get("frames"), entry.get("head"), instant_of(entry.get("at"))
    if not isinstance(count, int) or isinstance(count, bool) or count < 1 or not isinstance(head, str):
        return None
    if entry.get("at") is not None and at is None:
        return None
    return count, head, at.timestamp() if at is not None else None
