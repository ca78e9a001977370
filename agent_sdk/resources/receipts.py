"""Fetching receipts and checking them against the log.

    client = Spotcheck(log_key="spotcheck.example/log+1a2b3c4d+AQ...")
    report = client.receipts.verify(seen, media=[picture])
    print(report.receipt.payment.transfer_key, report.checkpoint.size)

The checking itself is `agent_sdk.receipts.Verifier`, offline; here only what it lacks is fetched. The
log key must come from elsewhere than the server (`log_key=`, SPOTCHECK_LOG_KEY), or the first one seen
is taken and kept when you say so (`pin_on_first_use=True`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent_sdk._core import Core, Flow, Sleep, segment
from agent_sdk._doors import AsyncDriver, AsyncResource, Resource, SyncDriver, SyncResource, op
from agent_sdk._note import LogKey, NoteInvalid
from agent_sdk._pins import FileMemory
from agent_sdk.errors import CheckpointInvalid, LogKeyMissing
from agent_sdk.receipts import CheckpointMemory, Verification, Verifier
from agent_sdk.types import Bounty, ConsistencyProof, Observation, ReceiptBundle

_POLL_S = 0.5


@dataclass(frozen=True)
class Trust:
    """Whose log to believe, and where the last checkpoint is kept.

    Attributes:
        log_key: the pinned vkey line, or None.
        pin_on_first_use: whether to keep the server's own key when none is pinned yet.
        memory: where checkpoints (and, in a `FileMemory`, first-use pins) are kept.
    """

    log_key: str | None
    pin_on_first_use: bool
    memory: CheckpointMemory


class _Receipts(Resource):
    _trust: Trust

    @property
    def has_log_key(self) -> bool:
        """Whether receipts can be verified: a key is pinned, or the first one seen will be."""
        return self._trust.log_key is not None or self._trust.pin_on_first_use

    @op
    def get(self, observation_id: str, *, timeout: float = 10.0) -> Flow[ReceiptBundle]:
        """The receipt with its proof, waiting up to `timeout` seconds for the log to sequence it.

        Nothing is checked here. When time is up it comes without a proof.
        """
        return _fetch(self._core, observation_id, timeout)

    @op
    def verify(
        self,
        observation: Observation | str,
        *,
        bounty: Bounty | None = None,
        media: Iterable[bytes] = (),
        timeout: float = 10.0,
    ) -> Flow[Verification]:
        """Fetches the receipt and, if the log grew, its consistency proof; then checks all steps offline.

        Args:
            observation: what you were told; or its id, and it is fetched.
            bounty, media: as `agent_sdk.receipts.Verifier.verify`.
            timeout: seconds to wait for the log to sequence the receipt.

        Raises:
            LogKeyMissing: no key is pinned.
            ReceiptError: the class says which step failed.
        """
        core = self._core
        key = yield from _log_key(core, self._trust)
        if isinstance(observation, str):
            path = f"/v1/observations/{segment(observation)}"
            observation = yield from core.call(Observation, "GET", path)
        bundle = yield from _fetch(core, observation.id, timeout)
        verifier, files = Verifier(key, self._trust.memory), tuple(media)
        while True:  # once more where another verification remembered a newer checkpoint meanwhile
            last = verifier.last()
            proof = yield from _consistency(core, verifier.gap(bundle, last))
            found = verifier.verify(
                bundle, observation=observation, bounty=bounty, media=files, consistency=proof, last=last
            )
            if not found.overtaken:
                return found


def _consistency(core: Core, gap: tuple[int, int] | None) -> Flow[tuple[str, ...] | None]:
    if gap is None:
        return None
    params = {"old": str(gap[0]), "new": str(gap[1])}
    return (yield from core.call(ConsistencyProof, "GET", "/log/consistency", params=params)).proof


def _fetch(core: Core, observation_id: str, timeout: float) -> Flow[ReceiptBundle]:
    deadline = core.clock() + timeout
    path = f"/v1/observations/{segment(observation_id)}/receipt"
    while True:
        bundle = yield from core.call(ReceiptBundle, "GET", path)
        if bundle.inclusion is not None or core.clock() >= deadline:
            return bundle
        yield Sleep(_POLL_S)


def _log_key(core: Core, trust: Trust) -> Flow[LogKey]:
    memory = trust.memory
    line = trust.log_key
    if line is None and trust.pin_on_first_use and isinstance(memory, FileMemory):
        line = memory.pinned(core.base_url)
        if line is None:
            reply = yield from core.exchange("GET", "/log/key")
            offered = _parse(reply.body.decode("utf-8", "replace"))
            line = memory.pin(core.base_url, offered.vkey)
    if line is None:
        raise LogKeyMissing("no log key is pinned")
    return _parse(line)


def _parse(line: str) -> LogKey:
    try:
        return LogKey.parse(line)
    except NoteInvalid as error:
        raise CheckpointInvalid(f"the log key is unusable: {error}") from error


class Receipts(_Receipts, SyncResource):
    """`client.receipts`."""

    def __init__(self, core: Core, driver: SyncDriver, trust: Trust) -> None:
        super().__init__(core, driver)
        self._trust = trust


class AsyncReceipts(_Receipts, AsyncResource):
    """`client.receipts` of the async client."""

    def __init__(self, core: Core, driver: AsyncDriver, trust: Trust) -> None:
        super().__init__(core, driver)
        self._trust = trust
