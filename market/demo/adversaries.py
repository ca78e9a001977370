"""The cheats of the demo: each is tried, must be refused for its own reason, and gains nothing."""

from __future__ import annotations

import time

from market.demo import cast
from market.demo.cast import Person
from market.demo.record import Look
from market.demo.stage import Demo
from market.simulator.cheats import CHEATS, Attempt, Cheat, Stage, play
from market.simulator.credentials import forge

_LATE, _REPLAY = "late commitment", "replayed statement"


def start_late_one(demo: Demo) -> None:
    """One cheat takes its time, while the story goes on."""
    late = next(cheat for cheat in CHEATS if cheat.name == _LATE)
    demo.background.append(demo.pool.submit(_try, demo, late, demo.bounties["watch"], True))


def try_cheats(demo: Demo) -> None:
    """Everybody who wants to be paid for nothing, one after another, on the agent's open watch."""
    for cheat in CHEATS:
        if cheat.name != _LATE and cheat.tier == 0:
            _try(demo, cheat, demo.bounties["watch"], True)


def try_counter(demo: Demo, bounty: str) -> None:
    """Those that only a challenge in the scene can refuse."""
    for cheat in CHEATS:
        if cheat.tier == 1:
            _try(demo, cheat, bounty, 1)


def _try(demo: Demo, cheat: Cheat, bounty: str, answer: object) -> None:
    """One attempt, written down with what the cheat was told."""
    # A replayed statement was signed by the honest person's own phone: this time they are the cheat.
    person = demo.honest if cheat.name == _REPLAY and demo.honest else demo.person(cast.SMALL)
    before = person.balances()
    photo, bent = cast.BENT[cheat.name]
    forger = forge(demo.house.maker.root_pem) if "forger" in cheat.needs else None
    stage = Stage(person, bounty, cast.PHOTOS[photo](), answer, demo.loot, forger)
    person.sent = b""
    began = time.monotonic()
    attempt = play(cheat, stage)
    took = time.monotonic() - began
    if attempt.capture is None:
        _abandon(person)
    look = _look(cheat, bent, person.sent or stage.photo, attempt)
    look.answer, look.seconds = answer, round(took, 2)
    demo.record.looks.append(look)
    _expect_refused(demo, look, attempt, gained=person.balances() != before)


def _look(cheat: Cheat, bent: str, shown: bytes | cast.Photo, attempt: Attempt) -> Look:
    made = attempt.capture
    return Look(
        who="a cheat",
        title=cheat.name,
        ask="",
        answer=None,
        tier=cheat.tier,
        reward="2.00" if cheat.tier else "0.50",
        simulated=cast.RENDERED,
        bent=bent,
        picture=cast.thumbnail(shown),
        expected=cheat.reason,
        status=made.status if made else "refused",
        reasons=attempt.reasons,
        paid=made.paid if made else None,
        capture=made.id if made else "",
    )


def _expect_refused(demo: Demo, look: Look, attempt: Attempt, *, gained: bool) -> None:
    told = ", ".join(attempt.reasons)
    why = cast.TOLD.get(look.expected, look.expected)
    demo.record.judge(
        f"cheat: {look.title}",
        f"refused for {look.expected}, unpaid",
        f"{look.verdict}{' for ' + told if told else ''}, {'paid' if attempt.paid or gained else 'unpaid'}",
        look.verdict == "refused" and look.expected in attempt.reasons and not attempt.paid and not gained,
        text=f"refused, unpaid: {look.title} ({why})",
    )


def _abandon(person: Person) -> None:
    """Frees the slot of a claim whose capture the server did not even take."""
    if person.claimed:
        person.post(f"/v1/claims/{person.claimed}/abandon", {})
