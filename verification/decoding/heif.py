"""HEIC and AVIF stills: what their boxes say, judged before a decoder sees them.

Both are ISO base media files (ISO/IEC 14496-12) whose `meta` box lists items (ISO/IEC 23008-12, AVIF 1.2):
one coded picture, or a grid of coded tiles, with thumbnails, depth, gain maps and texts beside it. Decoders
take far more than phones write. Here one still is let through: the primary item, coded or a grid; beside it
only what is no picture of its own (thumbnails, auxiliary and hidden items, the inputs of a tone map).
Limits: what a decoder finds in the coded data is its own affair, and the sandbox's. A file may hide inside a
box (`free`, an unknown `uuid`, a motion photo's `mpvd`), as inside a film's; the buyer's copy drops it. A
spatial photograph holds two stills and counts as several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from verification.decoding import limits
from verification.decoding.boxes import end_of_boxes
from verification.decoding.refusal import Refused

_NAMED = {
    b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC", b"heis": "HEIC",
    b"hevc": "HEIC", b"hevx": "HEIC", b"hevm": "HEIC", b"hevs": "HEIC",  # sequences
    b"avif": "AVIF", b"avis": "AVIF",
}  # fmt: skip
_ANY_CODEC = (b"mif1", b"msf1")
_MOST_BRANDS = 64
_CODED = {"HEIC": b"hvc1", "AVIF": b"av01"}
_PICTURES = frozenset(
    {b"hvc1", b"hev1", b"av01", b"avc1", b"vvc1", b"jpeg", b"j2k1", b"unci", b"grid", b"iovl", b"iden"}
)
_BESIDE = (b"thmb", b"auxl")  # references from what belongs to a picture to that picture


def form_of(data: bytes) -> str:
    """ "HEIC" or "AVIF" as the file's brands say, or "" for anything else, films among them."""
    size = int.from_bytes(data[:4], "big")
    if data[4:8] != b"ftyp" or not 16 <= size <= len(data):
        return ""
    end = min(size, 16 + 4 * _MOST_BRANDS)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    if brands[0] not in _ANY_CODEC:
        brands = brands[:1]
    return next((_NAMED[brand] for brand in brands if brand in _NAMED), "")


def judge(data: bytes, form: str) -> None:
    """Refuses a file that is not one still of a size we take.

    Args:
        form: as `form_of` said.

    Raises:
        Refused: "animated" (a track, or several stills), "too_many_pixels", "too_many_parts",
            "unknown_format" (the still is neither coded nor a grid of coded tiles) or "broken".
    """
    end, cut = end_of_boxes(data)
    if cut:
        raise Refused("broken")
    top = list(_boxes(data, 0, end))
    if any(box.kind == b"moov" for box in top):
        raise Refused("animated")
    metas = [box for box in top if box.kind == b"meta"]
    if len(metas) != 1:
        raise Refused("broken")
    listed = _listed(data, metas[0])
    if any(width * height > limits.MAX_PIXELS for width, height in listed.properties.values()):
        raise Refused("too_many_pixels")
    _one_still(listed)
    _parts(listed, _CODED[form])


@dataclass(frozen=True, slots=True)
class _Box:
    """A box's kind, and where its body begins and ends in the file."""

    kind: bytes
    start: int
    end: int


@dataclass(slots=True)
class _Listed:
    """What a `meta` box lists.

    Attributes:
        items: identifier -> kind of item, and whether it is hidden.
        references: (kind, from, to), as in `iref`.
        properties: number from 1 -> width and height, of those that state a size.
        of: item -> the numbers of its properties.
    """

    primary: int = 0
    items: dict[int, tuple[bytes, bool]] = field(default_factory=dict)
    references: list[tuple[bytes, int, list[int]]] = field(default_factory=list)
    properties: dict[int, tuple[int, int]] = field(default_factory=dict)
    of: dict[int, list[int]] = field(default_factory=dict)

    def area(self, item: int) -> int:
        """Pixels of an item, as stated."""
        sizes = [self.properties[number] for number in self.of.get(item, ()) if number in self.properties]
        return max((width * height for width, height in sizes), default=0)

    def sources(self, item: int) -> list[int]:
        """The items that an item is put together of."""
        return [
            to for kind, whole, parts in self.references if (kind, whole) == (b"dimg", item) for to in parts
        ]


def _one_still(listed: _Listed) -> None:
    """Refuses none, and several that a viewer would show beside each other or one after another."""
    if listed.primary not in listed.items:
        raise Refused("broken")
    belongs = {item for kind, item, _ in listed.references if kind in _BESIDE}
    belongs |= {to for kind, _, parts in listed.references if kind == b"dimg" for to in parts}
    shown = {item for item, (kind, hidden) in listed.items.items() if kind in _PICTURES and not hidden}
    if shown - belongs - {listed.primary}:
        raise Refused("animated")


def _parts(listed: _Listed, coded: bytes) -> None:
    """Refuses what is not made of coded pictures alone: the still, and what a decoder lays over it.

    A tile may be named again and again, and each time it is decoded: so areas are summed.
    """
    laid = [item for kind, item, to in listed.references if kind == b"auxl" and listed.primary in to]
    for whole in (listed.primary, *laid):
        kind, _ = listed.items.get(whole, (b"", False))
        tiles = listed.sources(whole) if kind == b"grid" else [whole]
        if any(listed.items.get(tile, (b"", False))[0] != coded for tile in tiles) or not tiles:
            raise Refused("unknown_format")
        if sum(map(listed.area, tiles)) > 2 * limits.MAX_PIXELS:  # tiles stand out over two edges
            raise Refused("too_many_pixels")


def _listed(data: bytes, meta: _Box) -> _Listed:
    listed = _Listed()
    for box in _boxes(data, meta.start + 4, meta.end):
        reader = _Reader(data, box.start, box.end)
        if box.kind == b"pitm":
            listed.primary = reader.number(4 if reader.version() else 2)
        elif box.kind == b"iinf":
            _read_items(listed, data, reader)
        elif box.kind == b"iref":
            _read_references(listed, data, reader)
        elif box.kind == b"iprp":
            for inner in _boxes(data, box.start, box.end):
                if inner.kind == b"ipco":
                    _read_properties(listed, data, inner)
                elif inner.kind == b"ipma":
                    _read_association(listed, _Reader(data, inner.start, inner.end))
    return listed


def _read_items(listed: _Listed, data: bytes, reader: _Reader) -> None:
    reader.number(4 if reader.version() else 2)
    for box in _boxes(data, reader.at, reader.end):
        entry = _Reader(data, box.start, box.end)
        version = entry.version()
        item = entry.number(4 if version == 3 else 2)
        entry.number(2)  # protection
        if version not in {2, 3} or item in listed.items:
            raise Refused("broken")
        listed.items[item] = entry.take(4), bool(entry.flags & 1)


def _read_references(listed: _Listed, data: bytes, reader: _Reader) -> None:
    wide = 4 if reader.version() else 2
    for box in _boxes(data, reader.at, reader.end):
        entry = _Reader(data, box.start, box.end)
        whole = entry.number(wide)
        listed.references.append((box.kind, whole, [entry.number(wide) for _ in range(entry.count(2))]))


def _read_properties(listed: _Listed, data: bytes, folder: _Box) -> None:
    for number, box in enumerate(_boxes(data, folder.start, folder.end), start=1):
        if box.kind == b"ispe":
            reader = _Reader(data, box.start, box.end)
            reader.version()
            listed.properties[number] = reader.number(4), reader.number(4)


def _read_association(listed: _Listed, reader: _Reader) -> None:
    wide_item = 4 if reader.version() else 2
    wide, mask = (2, 0x7FFF) if reader.flags & 1 else (1, 0x7F)  # the top bit says "essential"
    for _ in range(reader.count(4)):
        item = reader.number(wide_item)
        listed.of.setdefault(item, []).extend(reader.number(wide) & mask for _ in range(reader.number(1)))


class _Reader:
    """Reads big-endian numbers from a box's body; what runs over its end is broken."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self.at = start
        self.end = end
        self.flags = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if self.at + size > self.end:
            raise Refused("broken")
        self.at += size
        return self._data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """The next bytes as a number."""
        return int.from_bytes(self.take(size), "big")

    def count(self, size: int) -> int:
        """A number of things to come, of which there must not be too many."""
        found = self.number(size)
        if found > limits.MAX_PARTS:
            raise Refused("too_many_parts")
        return found

    def version(self) -> int:
        """The version of a "full" box; keeps its flags."""
        found = self.number(1)
        self.flags = self.number(3)
        return found


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    """The boxes between two places, which they must fill."""
    for _ in range(limits.MAX_PARTS + 1):
        if start >= end:
            return
        reader = _Reader(data, start, end)
        size, kind = reader.number(4), reader.take(4)
        size = reader.number(8) if size == 1 else size or end - start
        if not reader.at - start <= size <= end - start:
            raise Refused("broken")
        yield _Box(kind, reader.at, start + size)
        start += size
    raise Refused("too_many_parts")
