"""The queue is a hint: it wakes workers, and nothing is lost when it forgets.

`enqueue` notes a job on the session; `Database.transaction` sends it after the commit. The status
column of the row is the truth; a sweeper sends again what the table says is undone.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps
from sqlalchemy.orm import Session

from core.db import JOBS

_log = logging.getLogger(__name__)
REST_S = 10.0  # how long a broker that did not answer is left alone
ANSWERS_S = 2.0  # within which it must: whoever sends waits for it


def enqueue(session: Session, name: str, *args: str) -> None:
    """Asks for the task `name` to be run with `args` once this transaction has committed."""
    session.info.setdefault(JOBS, []).append((name, args))


class Queue:
    """A Celery application seen from its sending end.

    Args:
        broker_url: `redis://…`, `amqp://…`, or `filesystem:///folder` for one machine.
    """

    def __init__(self, broker_url: str) -> None:
        self.app = make_celery(broker_url)
        if broker_url.startswith(
            "redis"
        ):  # only whoever sends: a worker waits for its next message in a read
            self.app.conf.broker_transport_options |= {
                "socket_connect_timeout": ANSWERS_S,
                "socket_timeout": ANSWERS_S,
            }
        self._rest_until = 0.0

    def send(self, jobs: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        """Sends jobs by name. A broker that is away costs time, not work: the sweeper finds it.

        The Redis client takes about six seconds to give up; after that nobody tries for REST_S, so an
        outage slows down one request in a while and not every one.
        """
        for name, args in jobs:
            if time.monotonic() < self._rest_until:
                _log.warning("queue away a moment ago, %s left to the sweeper", name)
                continue
            try:
                self.app.send_task(name, args=args, ignore_result=True, retry=False)
            except (OperationalError, OSError) as error:
                self._rest_until = time.monotonic() + REST_S
                _log.warning("queue away, %s left to the sweeper: %s", name, error)


class _FolderChannel(filesystem.Channel):
    """kombu's folder of messages, with messages that appear whole.

    kombu writes a message under its final name; a worker that looks in between takes an empty file and
    ends with a JSONDecodeError (seen under load, kombu 5.7).
    """

    # kombu's two base classes name the argument differently; it is passed by place.
    def _put(self, queue: Any, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        target = Path(self.data_folder_out) / name
        draft = target.with_name(f"{name}.draft")
        draft.write_text(dumps(message), encoding="utf-8")
        os.replace(draft, target)


class FolderTransport(filesystem.Transport):
    """The transport of `folder://`: see `_FolderChannel`."""

    Channel = _FolderChannel


TRANSPORT_ALIASES["folder"] = "core.queue:FolderTransport"


def make_celery(broker_url: str) -> Celery:
    """The Celery application for a broker, without any task on it.

    At-least-once by `acks_late`; a task must be idempotent, and every one here is: it starts by
    taking a lease on its row.
    """
    options: dict[str, Any] = {}
    url = broker_url
    if broker_url.startswith("filesystem://"):
        folder = Path(broker_url.removeprefix("filesystem://"))
        for name in ("queue", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        url = "folder://localhost//"
        queue = str(folder / "queue")
        options = {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": str(folder / "control"),
            "polling_interval": 0.05,  # the default second would be most of a verdict's latency
        }
    app = Celery("spotcheck", broker=url)
    app.conf.update(
        task_routes=(_route,),
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
    )
    return app


def _route(name: str, *_: object, **__: object) -> dict[str, str]:
    """The queue of a task: the package whose it is, the first word of its name."""
    return {"queue": name.partition(".")[0]}
