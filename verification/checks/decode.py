"""decode: the bytes are one honest picture and nothing else.

Stops: decompression bombs, parser exploits, files of another kind under a picture's name, animated or
transparent pictures that show one thing to a checker and another to a person, and polyglots (a second
file behind the picture's end).
How: `verification.picture.Decoder`, a sandboxed child with an allow-list (JPEG, PNG, WebP), 32 MB and
50 megapixels at most. It sets `case.picture` for all later checks, so it costs 0: it must come first.
Limits: a file hidden inside a metadata segment is not seen (the buyer's copy carries no metadata); a
motion photo with its video behind the JPEG is refused as a polyglot.
Says no likelihood: a sound file is no evidence of an honest one.
Sources: Pillow security handbook; CVE-2021-23437, CVE-2022-24303 and the like; our own fuzzing (2,250
mutants: exceptions of six types, no crash).
"""

from __future__ import annotations

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.picture import Undecodable
from verification.registry import check


@check("decode", family=Family.INTEGRITY, version="1", cost=0, kinds={"photo"}, bounds=(0.0, 0.0))
def decode(case: Case) -> Outcome:
    """Decodes the media; hard-fails with the decoder's reason, or "polyglot"; abstains "no_media".

    Only outside the market can a capture come without media; in it an empty file is refused.
    """
    if case.evidence.session.outside and not case.evidence.media_sha256:
        return abstain("no_media")
    try:
        picture = case.tools.decoder.open(case.evidence.media)
    except Undecodable as refusal:
        return hard_fail(refusal.reason)
    if picture.trailing_bytes:
        return hard_fail("polyglot", trailing_bytes=picture.trailing_bytes)
    case.picture = picture
    return ok(0.0, "decoded", format=picture.format, width=picture.width, height=picture.height)
