"""A request and a response, whichever way they travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


class Headers(Mapping[str, str]):
    """Header fields found in any case, as the SDK looks for them in more than one."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True)
class Request:
    """What the SDK sent."""

    method: str
    path: str
    query: str
    body: str
    headers: Headers


@dataclass(frozen=True)
class Response:
    """What it gets back."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


class Dropped(Exception):
    """The connection ends without a response."""
