"""What a file says of itself: only contradiction counts, and only what no honest camera would write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import ExifTags, Image

from core.clock import wire
from core.geo import Spot
from tests.assets.build import encoded, make, scene
from tests.verification import stage
from tests.verification.stage import GREENWICH, NOON
from verification.case import Case
from verification.checks.metadata import metadata, moments, position
from verification.evidence import Evidence, Json, Outcome, Verdict
from verification.picture import Decoder
from verification.pipeline import examine
from verification.statement import parse_statement


def exif_of(
    *,
    taken: str | None = None,
    zone: str | None = None,
    digitized: str | None = None,
    written: str | None = None,
    gps_day: str | None = None,
    spot: Spot | None = None,
    software: str | None = None,
    noted: tuple[int, int] | None = None,
) -> Image.Exif:
    """A file's EXIF block with what is named."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Simulated"
    inner, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    if taken:
        inner[ExifTags.Base.DateTimeOriginal] = taken
    if digitized:
        inner[ExifTags.Base.DateTimeDigitized] = digitized
    if written:
        exif[ExifTags.Base.DateTime] = written
    if zone:
        inner[ExifTags.Base.OffsetTimeOriginal] = zone
    if noted:
        inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight] = noted
    if software:
        exif[ExifTags.Base.Software] = software
    if gps_day:
        gps[ExifTags.GPS.GPSDateStamp] = gps_day
    if spot:
        gps[ExifTags.GPS.GPSLatitudeRef] = "N" if spot.lat >= 0 else "S"
        gps[ExifTags.GPS.GPSLatitude] = (abs(spot.lat), 0.0, 0.0)
        gps[ExifTags.GPS.GPSLongitudeRef] = "E" if spot.lon >= 0 else "W"
        gps[ExifTags.GPS.GPSLongitude] = (abs(spot.lon), 0.0, 0.0)
    return exif


def seen(
    exif: Image.Exif, decoder: Decoder, *, say: dict[str, Json] | None = None, **session: Any
) -> Outcome:
    """The check's word about a picture with such EXIF, signed at Greenwich at noon UTC."""
    media = encoded(scene(), exif=exif.tobytes())
    evidence: Evidence = stage.photo(media, say=say, **session)
    statement = parse_statement(evidence.session.statement)
    return metadata(Case(evidence, stage.tools(decoder), decoder.open(media), statement))


def at(moment: datetime) -> str:
    return moment.strftime("%Y:%m:%d %H:%M:%S")


@pytest.mark.parametrize(
    ("exif", "reason"),
    [
        (exif_of(taken=at(NOON + timedelta(hours=14))), "nothing_contradicts"),  # Kiribati's wall clock
        (exif_of(taken=at(NOON - timedelta(hours=12))), "nothing_contradicts"),  # Baker Island's
        (exif_of(taken=at(NOON - timedelta(hours=30))), "another_day"),
        (exif_of(taken="2019:01:01 10:00:00"), "another_day"),
        (exif_of(taken="0000:00:00 00:00:00"), "nothing_contradicts"),
        (exif_of(taken="0001:01:01 00:00:00", zone="+14:00"), "nothing_contradicts"),
        (exif_of(taken="9999:12:31 23:59:59", zone="-12:00"), "nothing_contradicts"),
        (exif_of(taken="yesterday"), "nothing_contradicts"),
        (exif_of(taken=at(NOON + timedelta(hours=3)), zone="+03:00"), "nothing_contradicts"),
        (exif_of(taken=at(NOON + timedelta(hours=3)), zone="-03:00"), "another_day"),
        (exif_of(taken=at(NOON + timedelta(hours=3)), zone="local"), "nothing_contradicts"),
        (exif_of(taken="2019-01-01T10:00"), "another_day"),
        (exif_of(taken=at(NOON), zone="-99:59"), "nothing_contradicts"),
        (exif_of(digitized="2019:01:01 10:00:00"), "another_day"),
        (exif_of(written="2019:01:01 10:00:00"), "another_day"),
        (exif_of(gps_day="2019:01:01"), "another_day"),
        (exif_of(taken="1970:01:01 00:00:00", digitized="1904:01:01 00:00:00"), "nothing_contradicts"),
        (exif_of(written="1980:01:01 00:00:00"), "nothing_contradicts"),  # clocks that know no day
        (exif_of(gps_day="2006:11:05"), "nothing_contradicts"),  # a receiver that lost 1024 weeks
        (exif_of(gps_day=(NOON - timedelta(days=3)).strftime("%Y:%m:%d")), "nothing_contradicts"),
        (exif_of(gps_day=NOON.strftime("%Y:%m:%d")), "nothing_contradicts"),
        (exif_of(spot=Spot(GREENWICH.lat + 0.004, GREENWICH.lon)), "nothing_contradicts"),
        (exif_of(spot=Spot(GREENWICH.lat + 0.2, GREENWICH.lon)), "another_position"),
        (exif_of(spot=Spot(-GREENWICH.lat, GREENWICH.lon)), "another_position"),
        (exif_of(spot=Spot(0, 0)), "nothing_contradicts"),
        (exif_of(software="17.4.1"), "nothing_contradicts"),
        (exif_of(software="Adobe Photoshop 25.4 (Windows)"), "saved_by_editor"),
        (exif_of(noted=(scene().height, scene().width)), "nothing_contradicts"),  # turned
        (exif_of(noted=(4000, 3000)), "resized_after"),
    ],
)
def test_what_a_file_says_against_what_was_signed(exif: Image.Exif, reason: str, decoder: Decoder) -> None:
    outcome = seen(exif, decoder)
    assert outcome.reason == reason
    assert (outcome.llr < -1) == (reason != "nothing_contradicts")


def test_a_file_without_metadata_says_nothing(decoder: Decoder) -> None:
    evidence = stage.photo(make("honest.jpg"))
    statement = parse_statement(evidence.session.statement)
    bare = metadata(Case(evidence, stage.tools(decoder), decoder.open(encoded(scene())), statement))
    unseen = metadata(Case(evidence, stage.tools(decoder), None, statement))
    assert (bare.reason, unseen.reason) == ("no_metadata", "no_picture")


def test_several_contradictions_say_more_than_one(decoder: Decoder) -> None:
    one = seen(exif_of(taken="2019:01:01 10:00:00"), decoder)
    two = seen(exif_of(taken="2019:01:01 10:00:00", software="GIMP 2.10"), decoder)
    assert two.reason == "another_day"
    assert two.llr < one.llr


def test_the_servers_time_decides_where_it_is_known(decoder: Decoder) -> None:
    """A statement that repeats the file's old day does not save it."""
    old = datetime(2019, 1, 1, 10, tzinfo=UTC)
    assert seen(exif_of(taken=at(old)), decoder, say={"taken_at": wire(old)}).reason == "another_day"


def test_the_devices_time_where_the_servers_is_unknown(decoder: Decoder) -> None:
    old = datetime(2019, 1, 1, 10, tzinfo=UTC)
    unknown: dict[str, Any] = {"issued_at": None, "committed_at": None, "outside": True}
    agrees = seen(exif_of(taken=at(old)), decoder, say={"taken_at": wire(old)}, **unknown)
    silent = seen(exif_of(taken=at(old)), decoder, say={"taken_at": None}, **unknown)
    assert (agrees.reason, silent.reason) == ("nothing_contradicts", "nothing_contradicts")
    assert seen(exif_of(taken=at(old)), decoder, **unknown).reason == "another_day"


@pytest.mark.parametrize(
    "parts", [None, "52", [1, 2], [1, 2, "x"], [1, 2, None], [95, 0, 0], [float("nan"), 0, 0]]
)
def test_a_position_that_is_none(parts: Json) -> None:
    gps: dict[str, Json] = {"GPSLatitude": parts, "GPSLongitude": [10, 0, 0], "GPSLatitudeRef": "N"}
    assert position({"GPS": gps}) is None


@pytest.mark.parametrize("side", ["", None, "X", 4])
def test_a_position_that_says_no_side(side: Json) -> None:
    gps: dict[str, Json] = {"GPSLatitude": [40, 43, 0], "GPSLongitude": [74, 0, 0], "GPSLatitudeRef": "n"}
    assert position({"GPS": {**gps, "GPSLongitudeRef": side}}) is None
    there = position({"GPS": {**gps, "GPSLongitudeRef": "West"}})
    assert there is not None
    assert there.lon == -74


@pytest.mark.parametrize(
    "exif", [{"Exif": "x", "GPS": 3}, {"Exif": {"DateTimeOriginal": 7}, "GPS": {"GPSDateStamp": []}}]
)
def test_folders_that_are_none(exif: dict[str, Json]) -> None:
    assert list(moments(exif)) == []
    assert position(exif) is None


def test_an_old_day_is_not_paid_under_the_constants_in_force(decoder: Decoder) -> None:
    """Whatever else speaks for it: at tier 0 nothing but this check knows a first-time gallery picture."""
    verdicts = []
    for stamp in (at(NOON), "2019:01:01 10:00:00"):
        evidence = stage.photo(encoded(scene(), exif=exif_of(taken=stamp).tobytes()))
        verdicts.append(examine(evidence, stage.tools(decoder)).verdict)
    assert verdicts == [Verdict.ACCEPT, Verdict.REVIEW]
