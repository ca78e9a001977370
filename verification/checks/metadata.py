"""metadata: what the file says of when, where and with what it was made.

Stops: the careless: a picture from the gallery, a friend's or the web's, whose EXIF still tells its own
day or place; one that an editor has saved.
How: EXIF's days (of the shutter, of the file and of the GPS receiver; in their zone, where one is named)
against the time between challenge and receipt, or the device's where the server's is unknown; EXIF's
position against the signed one; Software against the names of programs that change pictures; the size that
the camera noted against the picture's. The most telling counts, and what else contradicts adds a little.
Limits: a page's camera writes no EXIF, and whoever thinks of it writes what he likes: so silence and
agreement say nothing, and only contradiction counts. It proves nothing: a camera whose clock was never set
tells a wrong day in good faith, so a person looks. Dates without a zone are good to a day (zones span 26
hours). An editor with a camera of its own (Lightroom) names itself the same. XMP and maker notes are not read
here (`provenance` reads what they say of the source).
Source: EXIF 3.0 (CIPA DC-008-2023), sections 4.6.5 to 4.6.7; TRUTH attacks 12 and 13.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np

from core.geo import Spot, distance_m
from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.picture import Picture
from verification.registry import check
from verification.statement import moment_of, spot_of

Tags: TypeAlias = Mapping[str, Json]
Said: TypeAlias = tuple[float, str, dict[str, Json]]
"""Nats (<= 0), the reason, facts."""

ZONED, UNZONED, STALE = timedelta(hours=2), timedelta(hours=26), timedelta(days=7)
FARTHEST = timedelta(hours=14)  # that any zone is from UTC
_YEARS = range(2000, 2200)  # others are what a clock writes that knows no day: 1904, 1970, 1980
_COUNTED = 2008  # receivers that lose count of their weeks (modulo 1024) tell days before
_MOMENT = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
ANOTHER_DAY = -5.0
APART = ((1.0, 5.0), (0.0, -5.0))  # kilometres between two positions -> nats
EDITED, RESIZED = -3.0, -2.0
MORE = -0.5  # for each further contradiction
_EDITORS = re.compile(
    r"\b(photoshop|lightroom|gimp|snapseed|picsart|canva|pixlr|pixelmator|affinity|photopea|paint\.net|darktable"
    r"|luminar|rawtherapee|capture one|facetune|faceapp|photoroom|meitu|imagemagick|photoscape|polarr|fotor"
    r"|luminance hdr|krita|picasa|digikam|photo editor|microsoft photos|windows photo)\b",
    re.IGNORECASE,
)


@check("metadata", family=Family.METADATA, version="4", cost=1, kinds={"photo"}, bounds=(-6.0, 0.0))
def metadata(case: Case) -> Outcome:
    """OK "another_day", "another_position", "saved_by_editor" or "resized_after"; abstains "no_picture",
    "no_metadata", "nothing_contradicts"."""
    picture = case.picture
    if picture is None:
        return abstain("no_picture")
    if not picture.exif:
        return abstain("no_metadata")
    said = sorted(
        (*_when(case, picture), *_where(case, picture), *_with_what(picture)), key=lambda one: one[0]
    )
    if not said:
        return abstain("nothing_contradicts")
    facts = {name: value for _, _, some in said for name, value in some.items()}
    return ok(said[0][0] + MORE * (len(said) - 1), said[0][1], **facts)


def _when(case: Case, picture: Picture) -> Iterator[Said]:
    session = case.evidence.session
    device = moment_of(case.statement)
    if device is not None and device.year not in _YEARS:
        device = None
    first, last = session.issued_at or session.committed_at, session.committed_at or session.issued_at
    first, last = first or device, last or device
    if first is None or last is None:
        return
    off = [
        max(first - at, at - last)
        for at, wide in moments(picture.exif)
        if not first - wide < at < last + wide
    ]
    if off:
        yield ANOTHER_DAY, "another_day", {"days": round(max(off) / timedelta(days=1), 1)}


def _where(case: Case, picture: Picture) -> Iterator[Said]:
    llr, km = apart(position(picture.exif), spot_of(case.statement))
    if llr < 0:
        yield llr, "another_position", {"km": round(km)}


def apart(there: Spot | None, signed: Spot | None) -> tuple[float, float]:
    """Nats (<= 0) for a file's place against the signed one, and the kilometres between them; (0, 0) where
    either is unknown."""
    if there is None or signed is None:
        return 0.0, 0.0
    km = distance_m(there, signed) / 1000
    return float(np.interp(km, *APART)), km


def spot_at(lat: float, lon: float) -> Spot | None:
    """The place; None where there is none. (0, 0) is none: it is what receivers write before they know."""
    if not (-90 <= lat <= 90 and -180 <= lon <= 180) or lat == lon == 0:
        return None
    return Spot(lat, lon)


def _with_what(picture: Picture) -> Iterator[Said]:
    software = f"{picture.exif.get('Software', '')} {picture.exif.get('ProcessingSoftware', '')}"
    named = _EDITORS.search(software)
    if named:
        yield EDITED, "saved_by_editor", {"editor": named.group().lower()}
    inner = _folder(picture.exif, "Exif")
    noted = [_pixels(inner.get("ExifImageWidth")), _pixels(inner.get("ExifImageHeight"))]
    if all(noted) and sorted(noted) != sorted((picture.width, picture.height)):
        yield RESIZED, "resized_after", {"noted": list[Json](noted)}


def moments(exif: Tags) -> Iterator[tuple[datetime, timedelta]]:
    """When the file says it was taken or made, as UTC, and how far off each may be in good faith.

    A receiver's day is as old as its last fix may be.
    """
    inner, gps = _folder(exif, "Exif"), _folder(exif, "GPS")
    for folder, tag, zone_tag in (
        (inner, "DateTimeOriginal", "OffsetTimeOriginal"),
        (inner, "DateTimeDigitized", "OffsetTimeDigitized"),
        (exif, "DateTime", "OffsetTime"),
    ):
        at = _parsed(folder.get(tag))
        if at is not None:
            zone = _zone(inner.get(zone_tag))
            yield (at, UNZONED) if zone is None else (at - zone, ZONED)
    day = _parsed(f"{gps.get('GPSDateStamp')} 12:00:00")
    if day is not None and day.year >= _COUNTED:
        yield day, STALE


def position(exif: Tags) -> Spot | None:
    """Where the file says it was taken; None where it says nothing that can be a place."""
    gps = _folder(exif, "GPS")
    lat = _degrees(gps.get("GPSLatitude"), gps.get("GPSLatitudeRef"), "NS")
    lon = _degrees(gps.get("GPSLongitude"), gps.get("GPSLongitudeRef"), "EW")
    return None if lat is None or lon is None else spot_at(lat, lon)


def _folder(exif: Tags, name: str) -> Tags:
    inner = exif.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _parsed(text: Json) -> datetime | None:
    """A date and time as EXIF writes it, or as others do: dashes, a T, no seconds."""
    found = _MOMENT.match(text if isinstance(text, str) else "")
    if found is None:
        return None
    try:
        at = datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return at if at.year in _YEARS else None


def _zone(text: Json) -> timedelta | None:
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", text if isinstance(text, str) else "")
    if found is None:
        return None
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if away > FARTHEST:
        return None
    return -away if found[1] == "-" else away


def _degrees(parts: Json, side: Json, sides: str) -> float | None:
    """Degrees, minutes and seconds as degrees, negative on the second of the `sides`; None where they are
    none, or nothing says which side."""
    letter = side.strip()[:1].upper() if isinstance(side, str) else ""
    if not isinstance(parts, list) or len(parts) != 3 or letter not in sides or not letter:
        return None
    numbers = [float(part) for part in parts if isinstance(part, int | float)]
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        return None
    degrees = numbers[0] + numbers[1] / 60 + numbers[2] / 3600
    return -degrees if letter == sides[1] else degrees


def _pixels(value: Json) -> int:
    """A side in pixels, as number or text; 0 where it is none."""
    text = str(value).strip() if isinstance(value, int | float | str) else ""
    return int(float(text)) if re.fullmatch(r"\d{1,6}(\.0*)?", text) else 0
