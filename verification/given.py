"""A context file's values, taken out with their types and ranges checked.

Every refusal is a `BadInput` whose `facts["at"]` names the place ("bounty.radius_m", "memory[3].path")
and whose hint names docs/examine.md. `null` is the same as absent.
"""

from __future__ import annotations

import base64
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.errors import BadInput, Fact
from core.geo import Area, Spot
from verification.evidence import Json
from verification.statement import instant_of, number, parse_object

HINT = "See docs/examine.md for every key of a context, its type and its range."
MAX_CONTEXT = 16_000_000  # characters of a context file
MAX_DEPTH = 40
FIRST_YEAR, LAST_YEAR = 1970, 2199
BASE64, MAX_INLINE = "base64:", 200_000  # how bytes stand in a context, and characters of them
MAX_FILE = 32 * 1024 * 1024 + 1  # bytes read of one file: one more than a picture may have
MAX_ALL = 768 * 1024 * 1024  # bytes of all files of one context


@dataclass(slots=True)
class Files:
    """The files that one context names; paths are relative to `folder`."""

    folder: Path
    left: int = MAX_ALL

    def read(self, path: str, at: str, most: int | None = None) -> bytes:
        """A file's bytes, at most so many of them (MAX_FILE unless told).

        Raises:
            BadInput: no regular file, not readable, or the context's files are too many bytes together.
        """
        try:
            place = self.folder / path
            if not stat.S_ISREG(place.stat().st_mode):
                raise refused(f"{at} names something that is no regular file", at)
            with place.open("rb") as file:
                data = file.read(min(MAX_FILE if most is None else most, self.left + 1))
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or "no such path"
            raise refused(f"{at} cannot be read: {why}", at) from None
        self.left -= len(data)
        if self.left < 0:
            raise refused(f"the files of one context are over {MAX_ALL} bytes together", at)
        return data


def refused(message: str, at: str, **facts: Fact) -> BadInput:
    """The error for something wrong at a place of a context."""
    return BadInput(message, hint=HINT, at=at, **facts)


def read_json(path: Path) -> dict[str, Json]:
    """A context file's JSON object.

    Raises:
        BadInput: not readable, over MAX_CONTEXT, not UTF-8, no single JSON object with unique keys and
            finite numbers.
    """
    data = Files(path.parent).read(path.name, "context")
    try:
        value = parse_object(data.decode("utf-8"), MAX_CONTEXT)
    except UnicodeDecodeError:
        value = None
    if value is None:
        raise refused("the context is no JSON object (UTF-8, unique keys, finite numbers)", "context")
    if _deeper(value, MAX_DEPTH):
        raise refused(f"the context is nested deeper than {MAX_DEPTH}", "context")
    return value


def _deeper(value: Json, levels: int) -> bool:
    """Whether lists and objects stand within one another on more than so many levels."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return bool(inner) and (levels == 0 or any(_deeper(each, levels - 1) for each in inner))


@dataclass(frozen=True, slots=True)
class Given:
    """One JSON object of a context; `where` is its place, "" for the whole."""

    values: Mapping[str, Json]
    files: Files
    where: str = field(default="")

    def at(self, key: str) -> str:
        """The place of a key, such as "claim.nonce"."""
        return f"{self.where}.{key}" if self.where else key

    def only(self, keys: Collection[str]) -> None:
        """Refuses keys that are not among these."""
        unknown = sorted(self.values.keys() - set(keys))
        if unknown:
            raise refused(f"unknown key {unknown[0][:80]!r}", self.at(unknown[0][:80]))

    def part(self, key: str) -> Given:
        """The object under a key; an empty one when it is absent."""
        value = self.values.get(key)
        if value is None:
            return Given({}, self.files, self.at(key))
        if not isinstance(value, dict):
            raise refused(f"{self.at(key)} is no object", self.at(key))
        return Given(value, self.files, self.at(key))

    def parts(self, key: str, limit: int) -> Iterator[Given]:
        """The objects of the list under a key."""
        for index, value in enumerate(self._list(key, limit)):
            place = f"{self.at(key)}[{index}]"
            if not isinstance(value, dict):
                raise refused(f"{place} is no object", place)
            yield Given(value, self.files, place)

    def text(self, key: str, limit: int) -> str | None:
        """A text of at most so many characters."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > limit:
            raise refused(f"{self.at(key)} is no text of at most {limit} characters", self.at(key))
        return value

    def data(self, key: str) -> bytes:
        """Bytes: those of the file of that name, or what follows "base64:"; b"" when absent."""
        text = self.text(key, MAX_INLINE) or ""
        if not text.startswith(BASE64):
            return self.files.read(text, self.at(key)) if text else b""
        try:
            return base64.b64decode(text.removeprefix(BASE64), validate=True)
        except ValueError:
            raise refused(f"{self.at(key)} is no base64", self.at(key)) from None

    def choice(self, key: str, choices: Sequence[str]) -> str | None:
        """One of a few words."""
        value = self.values.get(key)
        if value is not None and value not in choices:
            raise refused(f"{self.at(key)} is one of {', '.join(choices)}", self.at(key))
        return str(value) if value is not None else None

    def number(self, key: str, low: float, high: float) -> float | None:
        """A finite number in low..high."""
        value = self.values.get(key)
        if value is None:
            return None
        found = number(value)
        if found is None or not low <= found <= high:
            raise refused(f"{self.at(key)} is a number in {low:g}..{high:g}", self.at(key))
        return found

    def whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number in low..high."""
        found = self.number(key, low, high)
        if found is not None and not found.is_integer():
            raise refused(f"{self.at(key)} is a whole number", self.at(key))
        return int(found) if found is not None else None

    def flag(self, key: str) -> bool:
        """true or false; false when absent."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise refused(f"{self.at(key)} is true or false", self.at(key))
        return bool(value)

    def instant(self, key: str) -> datetime | None:
        """An RFC 3339 time with its offset."""
        value = self.values.get(key)
        if value is None:
            return None
        found = instant_of(value)
        if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise refused(f"{self.at(key)} is no RFC 3339 time with an offset, 1970..2199", self.at(key))
        return found

    def spot(self) -> Spot | None:
        """`lat` and `lon`, both or neither."""
        lat, lon = self.number("lat", -90, 90), self.number("lon", -180, 180)
        if (lat is None) != (lon is None):
            raise refused(f"{self.at('lat')} and {self.at('lon')} come together", self.at("lat"))
        return Spot(lat, lon) if lat is not None and lon is not None else None

    def area(self) -> Area | None:
        """The disc of `lat`, `lon` and `radius_m` (1..50,000 m); None unless all are there."""
        spot, radius_m = self.spot(), self.number("radius_m", 1, 50_000)
        return Area.disc(spot.lat, spot.lon, radius_m) if spot and radius_m is not None else None

    def paths(self, key: str, limit: int) -> list[str]:
        """A list of paths."""
        found = self._list(key, limit)
        if not all(isinstance(path, str) for path in found):
            raise refused(f"{self.at(key)} is a list of paths", self.at(key))
        return [str(path) for path in found]

    def _list(self, key: str, limit: int) -> list[Json]:
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > limit:
            raise refused(f"{self.at(key)} is a list of at most {limit}", self.at(key))
        return value
