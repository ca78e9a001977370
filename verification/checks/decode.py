"""decode: the bytes are one honest picture, or one honest film, and nothing else.

Stops: decompression bombs, parser exploits, files of another kind under a picture's name, animated or
transparent pictures that show one thing to a checker and another to a person, and polyglots (a second
file behind the picture's end).
How: `verification.picture.Decoder`, a sandboxed child with an allow-list (JPEG, PNG, WebP, AVIF; a second
child for HEIC), 32 MB and 50 megapixels at most; of a HEIC or AVIF one still and what belongs to it. A film
goes through a third such child (`verification.film`): MP4, MOV or WebM of H.264, HEVC, VP8 or VP9, 200 MB, 1
to 25 s, 60 frames a second and 3840 x 2160 at most. It sets `case.picture` for all later checks, so it costs
0: it must come first.
Limits: a file hidden inside a metadata segment or a box is not seen (the buyer's copy carries neither); a
motion photo with its video behind the JPEG is refused as a polyglot, one with it in a box of a HEIC is not.
Says no likelihood: a sound file is no evidence of an honest one.
Sources: Pillow security handbook; CVE-2021-23437, CVE-2022-24303 and the like; our own fuzzing (2,250
mutants: exceptions of six types, no crash).
"""

from __future__ import annotations

from verification.case import Case, Frame
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.film import Film, watch
from verification.picture import Undecodable
from verification.registry import check


@check("decode", family=Family.INTEGRITY, version="1", cost=0, kinds={"photo", "video"}, bounds=(0.0, 0.0))
def decode(case: Case) -> Outcome:
    """Decodes the media; hard-fails with the decoder's reason, or "polyglot"; abstains "no_media".

    Only outside the market can a capture come without media; in it an empty file is refused.
    """
    if case.evidence.session.outside and not case.evidence.media_sha256:
        return abstain("no_media")
    if case.evidence.terms.kind == "video":
        return _film(case)
    try:
        picture = case.tools.decoder.open(case.evidence.media)
    except Undecodable as refusal:
        return hard_fail(refusal.reason)
    if picture.trailing_bytes:
        return hard_fail("polyglot", trailing_bytes=picture.trailing_bytes)
    case.picture = picture
    return ok(0.0, "decoded", format=picture.format, width=picture.width, height=picture.height)


def _film(case: Case) -> Outcome:
    """Watches the film; its sharpest picture stands for it, frames over its length are its burst."""
    try:
        film = watch(case.tools.decoder, case.evidence.media)
    except Undecodable as refusal:
        return hard_fail(refusal.reason)
    start = _start(case, film)
    case.film, case.picture = film, film.key
    case.frames = tuple(Frame(start + t, rgb) for t, rgb in film.frames)
    return ok(
        0.0,
        "decoded",
        format=film.format,
        codec=film.codec,
        width=film.width,
        height=film.height,
        seconds=round(film.seconds, 3),
        fps=round(film.fps, 2),
        frames=len(film.times),
        rotation=film.rotation,
        sound=film.audio > 0,
    )


def _start(case: Case, film: Film) -> float:
    """The first frame's time on the motion's clock: 0, or where the motion begins when it knows no 0."""
    if case.sensed is None or case.sensed.t[0] <= film.seconds <= case.sensed.t[-1] + film.seconds / 2:
        return 0.0
    return float(case.sensed.t[0])
