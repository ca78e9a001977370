"""Idempotency keys as Stripe documents them: the first answer is the answer, errors included."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from tests.fakes.stripe.errors import Refused, invalid
from tests.fakes.stripe.http import Response

LONGEST = 255

# Whose key it is: the account a request acts for, and the key itself.
Owned = tuple[str, str]


@dataclass
class _Kept:
    started: int
    path: str
    params: object
    request: str
    response: Response | None = None


class Replays:
    """The keys in use; those older than a day are forgotten, and then a request runs again.

    Args:
        kept_s: how long a key is remembered; Stripe promises 24 hours at least.
    """

    def __init__(self, kept_s: int) -> None:
        self._kept_s = kept_s
        self._all: OrderedDict[Owned, _Kept] = OrderedDict()

    def begin(self, key: Owned, path: str, params: object, request: str, now: int) -> Response | None:
        """Takes a key for a request whose parameters are valid, or gives the answer it already got.

        Raises:
            Refused: the key is too long, was used for another request, or for one still running.
        """
        if len(key[1]) > LONGEST:
            raise invalid(f"Idempotency keys can have up to {LONGEST} characters.")
        self._forget(now)
        found = self._all.get(key)
        if found is None:
            self._all[key] = _Kept(now, path, params, request)
            return None
        if found.path != path:
            raise _misused(f"for the same endpoint they were first used for ('{found.path}')", key[1])
        if found.params != params:
            raise _misused("with the same parameters they were first used with", key[1])
        if found.response is None:
            message = (
                "There is currently another in-progress request using this Idempotent Key (that probably "
                "means you submitted twice, and the other request is still going through): "
                f"{key[1]}. Please try again later."
            )
            raise Refused(409, "idempotency_error", message, code="idempotency_key_in_use")
        headers = {"Idempotent-Replayed": "true", "Original-Request": found.request}
        return Response(found.response.status, found.response.body, found.response.headers | headers)

    def finish(self, key: Owned, response: Response) -> None:
        self._all[key].response = response

    def abandon(self, key: Owned) -> None:
        """Nothing is kept of a request that never ran."""
        self._all.pop(key, None)

    def _forget(self, now: int) -> None:
        for key, kept in list(_oldest(self._all)):
            if kept.started > now - self._kept_s or kept.response is None:
                return
            del self._all[key]


def _oldest(kept: OrderedDict[Owned, _Kept]) -> list[tuple[Owned, _Kept]]:
    # A few at a time, so that no single request pays for a whole day's keys.
    return [item for item, _ in zip(kept.items(), range(8), strict=False)]


def _misused(how: str, key: str) -> Refused:
    message = (
        f"Keys for idempotent requests can only be used {how}. Try using a key other than '{key}' if you "
        "meant to execute a different request."
    )
    return Refused(400, "idempotency_error", message)
