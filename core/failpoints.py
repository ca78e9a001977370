"""Named places where a test may kill the process: crash safety is tried there, not argued.

Set SPOTCHECK_FAILPOINT=name to make the process kill itself (SIGKILL: no clean-up, as in a power
cut) the first time it gets there. Unset, a failpoint is one dictionary look-up.
"""

from __future__ import annotations

import os
import signal

NAMES = frozenset(
    {
        "transaction.before_commit",
        "transaction.after_commit",
        "judge.after_hold",
        "judge.after_lease",
        "judge.after_remember",
        "judge.after_examine",
        "judge.before_commit",
        "judge.after_commit",
        "inbox.before_provider",
        "inbox.before_handled",
        "operation.before_rail",
        "operation.after_rail",
        "operation.after_commit",
    }
)


def failpoint(name: str) -> None:
    """Dies here if SPOTCHECK_FAILPOINT names this place.

    Raises:
        ValueError: a name that is not in NAMES (a typo would be a test that cannot fail).
    """
    if name not in NAMES:
        raise ValueError(f"unknown failpoint {name!r}")
    if os.environ.get("SPOTCHECK_FAILPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
