"""What a posting's key says happened, in one word, and to which thing: the one place that reads keys.

| key | word | the thing |
|---|---|---|
| `deposit:<operation>:done` | deposit | the operation |
| `hold:<escrow>` | hold | the escrow's subject |
| `refund:<escrow>:<slot>` | refund | the escrow's subject |
| `release:<escrow>:<slot>` | earned | the escrow's subject |
| `clawback:<escrow>:<slot>` | clawback | the escrow's subject |
| `clawback:appeal:<capture>` | clawback | the capture |
| `appeal:<capture>` | appeal | the capture |
| `mature:<key>` | matured | that of the key inside |
| `payout:<operation>:reserve` | payout | the operation |
| `payout:<operation>:done` | paid_out | the operation |
| `payout:<operation>:failed`, `reversal:<operation>:done` | payout_returned | the operation |
| `refund:<operation>:reserve` | withdrawal | the operation |
| `refund:<operation>:failed` or `:returned` | withdrawal_returned | the operation |
| `dispute:<dispute>:open` | dispute | the provider's name for it |
| `dispute:<dispute>:close` | dispute_closed | the provider's name for it |
| any other | other | none |
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OTHER = "other"
_ENTITY = r"([a-z]{3}_[0-9a-z]{26})"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(f"deposit:{_ENTITY}:done"), "deposit"),
    (re.compile(f"hold:{_ENTITY}"), "hold"),
    (re.compile(f"refund:{_ENTITY}:[0-9]+"), "refund"),
    (re.compile(f"release:{_ENTITY}:[0-9]+"), "earned"),
    (re.compile(f"clawback:{_ENTITY}:[0-9]+"), "clawback"),
    (re.compile(f"clawback:appeal:{_ENTITY}"), "clawback"),
    (re.compile(f"appeal:{_ENTITY}"), "appeal"),
    (re.compile(f"payout:{_ENTITY}:reserve"), "payout"),
    (re.compile(f"payout:{_ENTITY}:done"), "paid_out"),
    (re.compile(f"payout:{_ENTITY}:failed"), "payout_returned"),
    (re.compile(f"reversal:{_ENTITY}:done"), "payout_returned"),
    (re.compile(f"refund:{_ENTITY}:reserve"), "withdrawal"),
    (re.compile(f"refund:{_ENTITY}:(?:failed|returned)"), "withdrawal_returned"),
    (re.compile(r"dispute:([A-Za-z0-9_]+):open"), "dispute"),
    (re.compile(r"dispute:([A-Za-z0-9_]+):close"), "dispute_closed"),
)
_MATURED = "mature:"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What happened, and the id in the key (operation, capture, escrow, dispute); None when there is none."""

    word: str
    thing: str | None


def meaning(key: str) -> Meaning:
    """Reads a posting's key. A key of no known shape means `other`, never a guess."""
    if key.startswith(_MATURED):
        return Meaning("matured", meaning(key.removeprefix(_MATURED)).thing)
    for shape, word in _SHAPES:
        found = shape.fullmatch(key)
        if found is not None:
            return Meaning(word, found.group(1))
    return Meaning(OTHER, None)
