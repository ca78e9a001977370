"""The SDK without sockets: its HTTP client, answered by the fake in the same process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from tests.fakes.stripe.api import Api
from tests.fakes.stripe.http import Dropped, Headers, Request


class InProcess(stripe.HTTPClient):
    """Hands each request of the SDK straight to the fake. Retries do not wait: the clock is not real."""

    name = "in process"

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        sent = Headers(headers or {})
        try:
            response = self._api.handle(
                Request(method.upper(), parts.path, parts.query, post_data or "", sent)
            )
        except Dropped as dropped:
            message = f"the connection dropped: {dropped}"
            raise stripe.APIConnectionError(message, should_retry=True) from None  # type: ignore[no-untyped-call]
        return response.body, response.status, Headers(response.headers)

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""
