"""Workers' tools around one database, for tests of who remembers a capture (`bounties.remembering`)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest

from bounties import judging, remembering, tasks
from bounties.rules import Kind
from bounties.tables import Capture
from core import clock, renewal
from core.db import Database
from core.storage import Storage
from tests.bounties import scene
from tests.verification import reels
from verification.case import Tools
from verification.evidence import Evidence, Verdict

LEASE = timedelta(seconds=30)


@dataclass
class Desk:
    """Workers' tools around one database; what is examined is not the subject, so everything is accepted."""

    database: Database
    storage: Storage
    tools: Tools
    opened: list[str] = field(default_factory=list)

    def judge(self, capture: str, lease: timedelta = LEASE) -> Verdict | None:
        return tasks.judge_capture(self.database, self.storage, self.tools, capture, lease_for=lease)

    def row(self, capture: str) -> Capture:
        with self.database.reading() as session:
            found = session.get_one(Capture, capture)
            session.expunge(found)
            return found

    def take(self, capture: str, lease: timedelta = LEASE, later: timedelta = timedelta(0)) -> Any:
        with self.database.transaction() as session:
            return remembering.take(session, capture, lease=lease, now=clock.now() + later)

    def renewed(self, hold: remembering.Hold, lease: timedelta) -> AbstractContextManager[None]:
        renew = partial(remembering.renew, hold=hold, lease=lease)
        return renewal.renewed(self.database, hold.capture, renew, lease=lease)

    def wake(self, capture: str) -> bool:
        with self.database.transaction() as session:
            return judging.wake(session, capture, now=clock.now())

    def hand_in(self, *kinds: Kind) -> list[str]:
        """One capture a kind, in this order: a real film, and photos."""
        made, now = [], clock.now()
        with self.database.transaction() as session:
            agent = scene.new_agent(session, now=now)
            for number, kind in enumerate(kinds):
                wanted = scene.ask(kind=kind, opens_at=now, closes_at=now + timedelta(hours=1))
                bounty, person = scene.post(session, agent, wanted, now=now), scene.new_person(session, now)
                media = reels.honest() if kind is Kind.VIDEO else b"no picture %d" % number
                self.storage.seal(media)
                claimed = scene.claim(session, person, bounty, now=now)
                made.append(scene.submit(session, person, claimed, now=now, media=media).id)
        return made


def hold_up(monkeypatch: pytest.MonkeyPatch, capture: str) -> tuple[Event, Event]:
    """The decoding of one capture takes until the second event; the first tells that it has begun."""
    begun, ends, pictures = Event(), Event(), tasks._pictures

    def slow(evidence: Evidence, tools: Tools) -> object:
        if evidence.capture == capture:
            begun.set()
            assert ends.wait(30)
        return pictures(evidence, tools)

    monkeypatch.setattr(tasks, "_pictures", slow)
    return begun, ends
