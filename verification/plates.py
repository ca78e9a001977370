"""Number plates: parts of a picture that are veiled, because a vehicle, and so a person, is known by them.

Writing is read as the checks read it; what is kept of the last picture is not read again. A piece, neighbours
on a line, or two rows above each other that may be a registration (`verification.registrations`) are a plate,
but for three things: the challenge's code, what the ask or the answer names (a flight, a room, a serial
number that somebody wants to know), and a line of a column of writing (a departure board, a price list).
In a film LOOKS pictures and the key are read, sought at the finer size alone, and what is found is followed
from there (`verification.following`), for reading every picture would take longer than judging the film.
Limits: a plate whose letters the reader cannot tell, as most under some 50 pixels' width are, is shown; so
are plates of the kinds that `verification.registrations` leaves out. Of films, what is small in a picture of
960 pixels, only there between two looks, or too quick to be followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from verification.codes import best_fit, clean
from verification.evidence import Evidence, Json
from verification.film import Film
from verification.following import Reel
from verification.measures.likeness import edits
from verification.picture import Pixels
from verification.registrations import registration
from verification.tracks import Area, Look, Seen, Tracks, linked, veils
from verification.writing import Text, joined

if TYPE_CHECKING:
    from verification.case import Reader

Corners: TypeAlias = tuple[float, ...]
Box: TypeAlias = npt.NDArray[np.float32]

WIDER = (0.4, 0.35)  # of the letters' height: how far a plate goes on beside and above them
LOOKS = 8  # moments of a film that are read, besides the key
PIECES = 16  # of writing that are read at each, the tallest
ELLIPSE = 1.42  # times as wide and high as a box is the ellipse around it
RIM = 1.25  # times as wide and high as a veil may be what counts as veiled by it
UNSURE = 1  # letters that may be read wrongly in what was asked for
CODE = 1.5  # weighted edits (`verification.codes`) up to which writing is the challenge's code
COLUMN, NEAR = 3, 2.5  # lines of one size that are a column, heights of a line between one and the next
SURE, LARGE = 0.95, 28  # confidence, and pixels of height, from which no letter is taken for another


def areas(rgb: Pixels, reader: Reader, evidence: Evidence) -> tuple[Corners, ...]:
    """Corners of plates in uint8[h, w, 3]: x and y in turn, from the top left clockwise, 0..1 of the picture.

    Raises:
        Unavailable: see `Reader.read`.
    """
    pieces = [text for text in reader.read(rgb) if text.kind == "text"]
    return tuple(_corners(text, rgb) for text, wanted in _told(pieces, evidence) if not wanted)


def over_time(film: Film, reader: Reader, evidence: Evidence) -> Tracks:
    """The veils of each plate in a film; a plate may have several. What was asked for is followed, too, so
    that it is not veiled where it was read wrongly.

    Raises:
        Unavailable: see `Reader.read`.
    """
    reel = Reel([*film.frames, *film.stills, (film.key_time, film.key.rgb)])
    wanted: list[Look] = []
    other: list[Look] = []
    for t, rgb in _looks(film):
        told = _told(reader.skim(rgb, PIECES), evidence)
        found = [(_around(_corners(text, rgb)), asked) for text, asked in told]
        wanted.append((t, [area for area, asked in found if asked]))
        other.append((t, [area for area, asked in found if not asked]))
    shown = _ways(reel, wanted, [])
    return tuple(tuple(veils(seen, reel.times, film.seconds)) for seen in _ways(reel, other, shown))


def _told(pieces: Sequence[Text], evidence: Evidence) -> list[tuple[Text, bool]]:
    """The plates among these pieces of writing, and whether each was asked for."""
    wanted = tuple(asked_for(evidence))
    return [(text, _wanted(text.text, wanted, evidence.session.code)) for text in plates(pieces)]


def _looks(film: Film) -> list[tuple[float, Pixels]]:
    """The key, and LOOKS pictures evenly in time: quiet moments, even ones where none is near."""
    found = {film.key_time: film.key.rgb}
    apart = film.seconds / LOOKS
    for k in range(LOOKS):
        middle = (k + 0.5) * apart
        near = [(t, rgb) for t, rgb in film.stills if abs(t - middle) <= apart / 2]
        t, rgb = min(near or film.frames, key=lambda look: abs(look[0] - middle))
        found.setdefault(t, rgb)
    return list(found.items())


def _ways(reel: Reel, looks: Sequence[Look], known: Sequence[Seen]) -> list[Seen]:
    """What was found at these looks and is not known, followed; nothing is followed twice."""
    found: list[Seen] = []
    for seen in linked(looks):
        new = [
            (t, area)
            for t, area in seen
            if not any(at == t and _within(area, part) for way in (*known, *found) for at, part in way)
        ]
        if new:
            found.append(reel.followed(new))
    return found


def plates(pieces: Sequence[Text]) -> list[Text]:
    """The pieces, neighbours and pairs of rows that are plates."""
    alone = [piece for piece in pieces if not _in_column(piece, pieces)]
    written = [*alone, *joined(alone), *_rows(alone)]
    return [text for text in written if _registered(text)]


def asked_for(evidence: Evidence) -> Iterator[str]:
    """The ask, and every text of the answer."""
    yield evidence.terms.ask
    yield from _texts(evidence.answer)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _wanted(text: str, wanted: Sequence[str], code: str) -> bool:
    """Whether this was asked for, or is the code."""
    said = clean(text)
    if code and best_fit(code, [text]).cost <= CODE:
        return True
    return any(edits(said, clean(other)) <= UNSURE for other in wanted)


def _registered(text: Text) -> bool:
    """Whether it may be a registration. What is written large and was read with confidence stands as read."""
    return registration(text.text, sure=text.confidence >= SURE and _size(text.box)[1] >= LARGE)


def _rows(pieces: Sequence[Text]) -> list[Text]:
    """Two rows of about one size, the one right below the other: a motorcycle's plate."""
    found = []
    for upper in pieces:
        wide, tall = _size(upper.box)
        along, down = upper.box[1] - upper.box[0], upper.box[3] - upper.box[0]
        for lower in pieces:
            other = _size(lower.box)
            apart = lower.box.mean(axis=0) - upper.box.mean(axis=0)
            if (
                0.6 <= other[1] / tall <= 1.7
                and wide <= 5 * tall
                and 0.4 <= float(apart @ down) / tall**2 <= 1.6
                and abs(float(apart @ along)) / wide <= 0.35 * max(wide, other[0])
            ):
                corners = np.stack([upper.box[0], upper.box[1], lower.box[2], lower.box[3]])
                sure = min(upper.confidence, lower.confidence)
                found.append(Text(f"{upper.text} {lower.text}", sure, corners))
    return found


def _in_column(piece: Text, pieces: Sequence[Text]) -> bool:
    """Whether it is one of COLUMN lines of one size, each below the other: a list, no plate."""
    _, tall = _size(piece.box)
    left, right = float(piece.box[:, 0].min()), float(piece.box[:, 0].max())
    beside = [
        float(other.box[:, 1].mean())
        for other in pieces
        if 0.6 <= _size(other.box)[1] / tall <= 1.7
        and float(other.box[:, 0].min()) < right
        and float(other.box[:, 0].max()) > left
    ]
    here, count = float(piece.box[:, 1].mean()), 1
    for step in (-1, 1):
        at = here
        for y in sorted((y for y in beside if (y - here) * step > 0.4 * tall), key=lambda y: abs(y - here)):
            if abs(y - at) > NEAR * tall:
                break
            at, count = y, count + 1
    return count >= COLUMN


def _size(box: Box) -> tuple[float, float]:
    """Width and height, at least a pixel each."""
    wide, tall = np.linalg.norm(box[1] - box[0]), np.linalg.norm(box[3] - box[0])
    return max(1.0, float(wide)), max(1.0, float(tall))


def _corners(text: Text, rgb: Pixels) -> Corners:
    """Of the plate that its letters stand on, 0..1 of the picture."""
    return tuple((_widened(text.box) / (rgb.shape[1], rgb.shape[0])).ravel().tolist())


def _around(corners: Corners) -> Area:
    """Of the ellipse around them."""
    left, top, right, bottom = min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])
    x, y = (ELLIPSE - 1) / 2 * (right - left), (ELLIPSE - 1) / 2 * (bottom - top)
    return left - x, top - y, right + x, bottom + y


def _within(area: Area, part: Area) -> bool:
    """Whether the box within the first ellipse lies in the second, but for a rim."""
    for x in (area[0], area[2]):
        for y in (area[1], area[3]):
            across = (x - (area[0] + area[2]) / 2) / ELLIPSE + (area[0] + area[2] - part[0] - part[2]) / 2
            down = (y - (area[1] + area[3]) / 2) / ELLIPSE + (area[1] + area[3] - part[1] - part[3]) / 2
            if math.hypot(across / (part[2] - part[0]), down / (part[3] - part[1])) > RIM / 2:
                return False
    return True


def _widened(box: Box) -> Box:
    """From the letters to the plate's rim."""
    wide, tall = _size(box)
    along, down = (box[1] - box[0]) / wide, (box[3] - box[0]) / tall
    x, y = along * WIDER[0] * tall, down * WIDER[1] * tall
    return box + np.stack([-x - y, x - y, x + y, -x + y]).astype(np.float32)
