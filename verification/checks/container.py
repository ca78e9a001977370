"""container: what a film's file says of the program that wrote it, of its day and of its place.

Stops: videos saved by an editor or a converter and handed in as they were, old ones and ones from elsewhere
whose file still says so. (`metadata` is the same for photographs.)
How: the container's texts (encoder, writing application, handler) and the encoder's signature inside the
first pictures name the program; `creation_time` is held against the claim's window, the place (ISO 6709)
against the signed one. Phones write their own
name or none; Chromium's recorder writes "Chrome", Firefox's "QTmuxingAppLibWebM".
Limits: everything here can be written by hand, so a phone's name is no evidence and an editor's is some. Lavf
(FFmpeg) is also in recorders that apps build themselves, so it counts little alone. Clocks of phones are
wrong, and some write local time as if it were UTC: a difference of whole quarter hours within a day counts
for nothing. An encoder leaves further traces (the footprint of a first group of pictures in a second
encoding, Vazquez-Padin et al. 2012); they need macroblock types, which no decoder hands out here, and are not
looked for.
Source: Song et al. 2016 and Iuliani et al. 2019 (video containers); ISO/IEC 14496-12; RFC 9559;
ISO 6709:2022 annex H.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from core.geo import Spot
from verification.case import Case
from verification.checks.metadata import apart, spot_at
from verification.evidence import Evidence, Family, Json, Outcome, abstain, ok
from verification.registry import check
from verification.statement import instant_of, spot_of

EDITORS = (
    "handbrake", "premiere", "adobe", "final cut", "imovie", "davinci", "resolve", "capcut", "inshot",
    "kinemaster", "vegas", "filmora", "kdenlive", "openshot", "shotcut", "movavi", "avidemux",
    "after effects", "blender", "veed", "clipchamp", "videoleap", "vn video", "yamb", "mp4box", "gpac",
)  # fmt: skip
GENERATORS = ("sora", "runway", "veo", "pika labs", "stable video", "kling", "luma ai")
CONVERTERS = ("lavf", "lavc", "ffmpeg", "mencoder", "virtualdub")
TELLING = ("encoder", "encoded", "software", "handler", "tool", "vendor", "app")  # of a tag's name
INSIDE = (b"x264 - core", b"x265 (build", b"Lavc")  # in the first pictures
LOOKED = 1 << 20  # bytes
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # files say 1904 or 1970 for "not known"
_ISO_6709 = re.compile(r"([+-]\d{1,2}(?:\.\d{1,9})?)([+-]\d{1,3}(?:\.\d{1,9})?)")  # decimal degrees
DAY_S, QUARTER_S, CLOCK_S = 86_400.0, 900.0, 120.0


@check("container", family=Family.METADATA, version="2", cost=1, kinds={"video"}, bounds=(-6.0, 0.0))
def container(case: Case) -> Outcome:
    """OK "generator_named", "editor_named", "created_before_claim", "created_after_receipt",
    "created_elsewhere", "converter_named" or "nothing_odd"; abstains "no_film"."""
    film = case.film
    if film is None:
        return abstain("no_film")
    facts: dict[str, Json] = {"format": film.format, "codec": film.codec, "profile": film.profile}
    found = [
        _program(film.tags, case.evidence.media[:LOOKED]),
        _created(film.tags, film.seconds, case.evidence),
        _located(film.tags, spot_of(case.statement)),
    ]
    against = [(llr, reason) for llr, reason in found if llr < 0]
    if not against:
        return ok(0.0, "nothing_odd", **facts)
    return ok(
        sum(llr for llr, _ in against),
        min(against)[1],
        **facts,
        signs=[reason for _, reason in against],
    )


def _program(tags: Mapping[str, str], begin: bytes) -> tuple[float, str]:
    """The worst that a program's name says."""
    said = " ".join(
        value for key, value in tags.items() if any(word in key.lower() for word in TELLING)
    ).lower()
    if any(name in said for name in GENERATORS):
        return -5.0, "generator_named"
    if any(name in said for name in EDITORS):
        return -3.0, "editor_named"
    if any(name in said for name in CONVERTERS) or any(mark in begin for mark in INSIDE):
        return -0.6, "converter_named"
    return 0.0, ""


def _created(tags: Mapping[str, str], seconds: float, evidence: Evidence) -> tuple[float, str]:
    """The time of creation against the server's; writers state the beginning or the end."""
    at = instant_of(tags.get("creation_time", tags.get("track.creation_time")))
    signed = evidence.session
    if at is None or at < EPOCH:
        return 0.0, ""
    early = (signed.issued_at - at).total_seconds() if signed.issued_at else 0.0
    came = signed.committed_at or signed.submitted_at
    late = (at - came).total_seconds() if came else 0.0
    off, reason = max((early, "created_before_claim"), (late, "created_after_receipt"))
    if off <= CLOCK_S + seconds:
        return 0.0, ""
    whole = abs(off / QUARTER_S - round(off / QUARTER_S)) * QUARTER_S <= CLOCK_S + seconds
    if off < DAY_S and whole:
        return 0.0, ""
    return (-5.0 if off >= DAY_S else -0.8), reason


def _located(tags: Mapping[str, str], signed: Spot | None) -> tuple[float, str]:
    """The place in the file against the signed one."""
    texts = [value for key, value in tags.items() if "location" in key.lower()]
    found = next((match for text in texts if (match := _ISO_6709.match(text))), None)
    there = None if found is None else spot_at(float(found[1]), float(found[2]))
    return apart(there, signed)[0], "created_elsewhere"
