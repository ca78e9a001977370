"""Checking offline what was bought: that the receipt is logged, unchanged, and says what you were told.

    verifier = Verifier(LogKey.parse(open("log.vkey").read()), FileMemory())
    report = verifier.verify(bundle, observation=seen, media=[picture])
    print(report.receipt.answer, [step.name for step in report.steps if step.status == "skipped"])

No network is used. `client.receipts.verify(observation)` fetches what is missing and calls this.
`verify` raises the first failure; `examine` runs every step it can and returns what each one found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import EllipsisType

from agent_sdk._note import Checkpoint, LogKey, NoteInvalid
from agent_sdk._pins import CheckpointMemory, FileMemory, RamMemory
from agent_sdk._receipt_steps import STEPS, Case, Payment, Receipt, Step, open_bundle, receipt_leaf, run_step
from agent_sdk.errors import ReceiptError
from agent_sdk.types import Bounty, Observation, ReceiptBundle

__all__ = [
    "CheckpointMemory",
    "FileMemory",
    "LogKey",
    "NoteInvalid",
    "Payment",
    "RamMemory",
    "Receipt",
    "Step",
    "Verification",
    "Verifier",
    "receipt_leaf",
]


@dataclass(frozen=True)
class Verification:
    """All steps of one examination, in order.

    Attributes:
        leaf: the 32-byte leaf hash of the receipt's exact text.
        overtaken: while it ran another checkpoint was remembered, with which this one was not compared:
            examine again.
    """

    leaf: bytes
    steps: tuple[Step, ...]
    receipt: Receipt | None = field(repr=False)
    checkpoint: Checkpoint | None = field(repr=False)
    overtaken: bool = False

    @property
    def failures(self) -> tuple[ReceiptError, ...]:
        """Every failed step's error, first failure first."""
        return tuple(step.error for step in self.steps if step.error is not None)

    @property
    def ok(self) -> bool:
        """Whether no step failed, nor was overtaken. Skipped steps were not asked for: see `steps`."""
        return not self.failures and not self.overtaken


@dataclass(frozen=True)
class Verifier:
    """Checks receipts against one pinned log key, remembering the newest checkpoint of that log.

    Args:
        key: the log's key, from somewhere other than the server being checked.
        memory: where the last checkpoint is kept; `RamMemory()` forgets at exit.
    """

    key: LogKey
    memory: CheckpointMemory

    def last(self) -> Checkpoint | None:
        """The checkpoint remembered of this log. Give the same to `gap` and `verify`: it may grow between."""
        return self.memory.last(self.key)

    def gap(self, bundle: ReceiptBundle, last: Checkpoint | None) -> tuple[int, int] | None:
        """The (old, new) tree sizes a consistency proof is needed between, or None when none is needed.

        Raises:
            NotYetLogged, CheckpointInvalid: as `verify`.
        """
        shown = open_bundle(bundle, self.key)
        if last is None or shown.size == last.size or 0 in (shown.size, last.size):
            return None
        return min(shown.size, last.size), max(shown.size, last.size)

    def examine(
        self,
        bundle: ReceiptBundle,
        *,
        observation: Observation | None = None,
        bounty: Bounty | None = None,
        media: Iterable[bytes] = (),
        consistency: Sequence[str] | None = None,
        last: Checkpoint | EllipsisType | None = ...,
    ) -> Verification:
        """Runs every step that can run; see `verify` for the arguments. Never raises a ReceiptError."""
        last = self.last() if last is ... else last
        case = Case(bundle, self.key, last, observation, bounty, tuple(media), consistency)
        steps = tuple(run_step(name, step, case) for name, step in STEPS)
        found = {step.name: step.status for step in steps}
        kept = True
        if case.checkpoint is not None and found["consistency"] != "failed":
            kept = self.memory.keep(self.key, case.checkpoint, last)
        return Verification(receipt_leaf(bundle.receipt), steps, case.receipt, case.checkpoint, not kept)

    def verify(
        self,
        bundle: ReceiptBundle,
        *,
        observation: Observation | None = None,
        bounty: Bounty | None = None,
        media: Iterable[bytes] = (),
        consistency: Sequence[str] | None = None,
        last: Checkpoint | EllipsisType | None = ...,
    ) -> Verification:
        """Runs every step and raises the first failure.

        Args:
            bundle: the receipt and its proof.
            observation: what the API told you; without it steps 6 and 8 are skipped.
            bounty: what you posted; without it the terms are only checked against their own hash.
            media: the delivered files' bytes; without them step 7 is skipped.
            consistency: the proof between the sizes `gap` names, base64.
            last: the checkpoint that proof is from, as `last()` gave it; default: what is remembered now.

        Raises:
            ReceiptError: the class says which step failed.
        """
        result = self.examine(
            bundle, observation=observation, bounty=bounty, media=media, consistency=consistency, last=last
        )
        if result.failures:
            raise result.failures[0]
        return result
