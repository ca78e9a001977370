"""The queue is a hint: real messages on a real broker, and no harm when it is away."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from core.accounts.rules import Kind
from core.accounts.service import open_account
from core.clock import now
from core.config import QUEUES
from core.db import Database
from core.queue import Queue, enqueue, make_celery
from core.storage import DROP_TORN
from tests.servers import free_port


def waiting(folder: Path) -> list[tuple[str, list[str]]]:
    """Name and arguments of the messages a filesystem broker holds."""
    found = []
    for path in sorted((folder / "queue").iterdir()):
        message = json.loads(path.read_text())
        body = json.loads(base64.b64decode(message["body"]))
        found.append((message["headers"]["task"], body[0]))
    return found


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # kombu's filesystem transport leaves a file to the collector
def test_a_job_is_a_message_only_after_the_commit(database: Database, tmp_path: Path) -> None:
    database.queue = Queue(f"filesystem://{tmp_path / 'broker'}")
    with database.transaction() as session:
        open_account(session, Kind.AGENT, "a", now=now())
        enqueue(session, "bounties.judge_capture", "cap_1")
        assert waiting(tmp_path / "broker") == []
    assert waiting(tmp_path / "broker") == [("bounties.judge_capture", ["cap_1"])]
    with pytest.raises(ZeroDivisionError), database.transaction() as session:  # noqa: PT012
        enqueue(session, "bounties.judge_capture", "cap_2")
        raise ZeroDivisionError
    assert len(waiting(tmp_path / "broker")) == 1


def test_a_broker_that_is_away_costs_no_work(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    database.queue = Queue(f"redis://127.0.0.1:{free_port()}/0")
    with database.transaction() as session:
        account = open_account(session, Kind.AGENT, "a", now=now()).id
        enqueue(session, "bounties.judge_capture", "cap_1")
    assert "left to the sweeper" in caplog.text
    started = time.monotonic()
    database.queue.send([("bounties.judge_capture", ("cap_2",))] * 10)
    assert time.monotonic() - started < 1, "one outage must not slow down every request"
    with database.reading() as session:
        assert session.connection().exec_driver_sql("SELECT id FROM accounts").scalar() == account


def test_a_folder_that_cannot_be_written_costs_no_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = Queue(f"filesystem://{tmp_path / 'broker'}")
    for path in (tmp_path / "broker" / "queue", tmp_path / "broker" / "control"):
        path.rmdir()
    (tmp_path / "broker").rmdir()
    (tmp_path / "broker").write_text("a file where the folder was")
    queue.send([("bounties.judge_capture", ("cap_1",))])
    assert "left to the sweeper" in caplog.text


def test_workers_finish_before_they_acknowledge() -> None:
    conf = make_celery("memory://").conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_prefetch_multiplier) == (
        True,
        True,
        1,
    )
    assert conf.accept_content == ["json"]


def test_each_package_has_a_queue_of_its_own(tmp_path: Path) -> None:
    """So that a machine with a GPU can take captures and leave the books to others."""
    queue = Queue(f"filesystem://{tmp_path / 'broker'}")
    names = ("bounties.judge_capture", "payments.run_operation", DROP_TORN)
    queue.send([(name, ()) for name in names])
    found = sorted(path.name.split(".")[-2] for path in (tmp_path / "broker" / "queue").iterdir())
    assert found == sorted(QUEUES)
