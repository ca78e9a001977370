"""What the sweeper does when one item fails, and with uploads that nobody used."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bounties import judging, submissions, tasks
from bounties.tables import Original
from core import errors
from core.db import Database
from core.storage import Storage
from core.sweeper import Sweeper
from tests.bounties import scene
from tests.bounties.scene import NOW


def test_one_capture_that_cannot_be_woken_does_not_hold_up_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, [first, second] = scene.started(database, slots=2, people=2)
    wake, tried = judging.wake, []

    def refusing(session: Session, capture: str, *, now: datetime) -> bool:
        tried.append(capture)
        if capture == first:
            raise errors.BooksRefused("this one can never be done")
        return wake(session, capture, now=now)

    monkeypatch.setattr(judging, "wake", refusing)
    sweeper, late = Sweeper(database), NOW + timedelta(minutes=1)
    assert tasks.sweep(sweeper, now=late) == 1
    tasks.sweep(sweeper, now=late)
    assert tried == [first, second], "and it rests, instead of failing at every round"


def test_originals_that_became_no_capture_are_dropped_after_a_day(database: Database, tmp_path: Path) -> None:
    storage, later = Storage(f"file://{tmp_path}", bytes(32)), NOW + timedelta(days=1, minutes=1)
    sweeper = Sweeper(database)
    with database.transaction() as session:
        person = scene.new_person(session)
        claimed = scene.claim(session, person, scene.post(session, scene.new_agent(session)))
        for data in (b"a first try", b"the one"):
            submissions.note_original(session, storage.seal(data), now=NOW)
        scene.submit(session, person, claimed, media=b"the one")
        again = storage.seal(b"sent again on another claim")
        submissions.note_original(session, again, now=NOW)
        submissions.note_original(session, again, now=later)
    assert tasks.drop_unnamed_originals(sweeper, storage, now=NOW + timedelta(hours=23)) == 0
    assert tasks.drop_unnamed_originals(sweeper, storage, now=later) == 1
    assert storage.unseal(hashlib.sha256(b"the one").hexdigest()) == b"the one"
    assert storage.unseal(again) == b"sent again on another claim"
    with pytest.raises(errors.NotFound):
        storage.unseal(hashlib.sha256(b"a first try").hexdigest())
    assert tasks.drop_unnamed_originals(sweeper, storage, now=later) == 0


def test_an_original_sent_again_while_it_is_dropped_is_there_afterwards(
    postgres: Database, tmp_path: Path
) -> None:
    """The upload waits for the sweeper's lock, and then seals the bytes anew."""
    storage, later = Storage(f"file://{tmp_path}", bytes(32)), NOW + timedelta(days=2)
    sha256 = storage.seal(b"twice")
    with postgres.transaction() as session:
        submissions.note_original(session, sha256, now=NOW)
    reached, log = threading.Event(), []

    def upload() -> None:
        reached.wait(5)
        with postgres.transaction() as session:
            submissions.note_original(session, sha256, now=later)
        log.append("noted")
        storage.seal(b"twice")

    uploading = threading.Thread(target=upload)
    uploading.start()
    with postgres.transaction() as session:
        assert submissions.drop_original(session, storage, sha256, now=later)
        reached.set()
        time.sleep(0.5)
        log.append("dropped")
    uploading.join(10)
    assert log == ["dropped", "noted"]
    assert storage.unseal(sha256) == b"twice"
    with postgres.reading() as session:
        assert session.get_one(Original, sha256).received_at == later
