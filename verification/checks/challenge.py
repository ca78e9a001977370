"""challenge: the code this claim was given stands written in the scene.

Stops: old photographs, stock pictures, generated stills, replays: none of them holds six characters
drawn at random after the claim.
How: text by OCR and codes (a QR code of the same characters will do; outside the market any text of 4 to
64 characters may be asked for); the claim's code is sought in
all of it by a distance in which likely misreadings cost little. The probability that a random code
would fit as well somewhere in that text is part of the finding, so papering the scene with codes does
not help.
A photo in which it is not seen is read twice more, smaller and with its contrast evened; then the sharpest
frames about its moment are read (`measures.closer`). A code seen in them counts where their letters are found
in the photo too: a hand's blur makes letters unreadable, not other ones. Where that cannot be told it is a
person's case; where the photo plainly says something else there, or is not of the burst, it is not seen.
Of a video the key picture is read, then some of its quiet moments; as most frames are never read, a code that
is nowhere seen in one is a person's case, not a hard fail.
Figures (simulated, calibration photographs): of 360 honest photos 5 were not read at first; 4 of them were
when looked at closer, 1 by its frames. Of sheets swapped between photo and burst letters are
.41 alike at most (n = 16).
Limits: a code drawn into an old picture passes here; light, edges and motion must give it away. Writing
that is half readable is a person's case (abstain). Writing that is not there is a term of the claim not
met: a hard fail, told as "challenge_not_seen", and the contributor may try again at once.
"""

from __future__ import annotations

from dataclasses import replace

from verification.case import Case, Doubles
from verification.codes import Fit, best_fit, clean
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.film import evenly
from verification.measures.closer import Laid, read_closer, sought_in_frames
from verification.measures.placing import inside
from verification.picture import Picture
from verification.registry import check
from verification.writing import Text, joined

MOMENTS = 6  # of a film that are read besides its key picture
BY_CHANCE = 1e-3  # a fit less likely than this by chance is a sight of the code
# Edits a character up to which writing may be the code badly read: 2.1 for one of six characters, where
# another code is seldom under 2.7.
UNCLEAR = 0.35
# Correlation of a frame's letters with the photo's: another code's reached .41 (16 captures), blurred ones
# at least .57 (4 captures).
LETTERS = 0.5
OTHERS = 0.35  # less shows that the photo has other letters there, or none
ONE_VIEW = 0.8  # correlation of thumbnails from which a photo that cannot be registered may be of a burst
IN_BURST = 2.0  # nats for a code that was read in the frames alone
LEGIBLE = 5  # characters from which writing where the code should be is another code,
SURE = 0.8  # if the reader is so sure of it


@check(
    "challenge", family=Family.CHALLENGE, version="4", cost=2, kinds={"photo", "video"}, bounds=(-5.0, 3.0)
)
def challenge(case: Case) -> Outcome:
    """OK "code_seen"; hard-fails "code_not_seen"; abstains "no_challenge_asked" or "code_unclear"."""
    code = case.evidence.session.code
    if not code:
        return abstain("no_challenge_asked")
    if case.picture is None:
        return abstain("no_picture")
    texts, fit, picture = _read(case, case.picture, code)
    case.picture = picture
    if fit.chance > BY_CHANCE and case.film is None:
        closer = read_closer(picture.rgb, case.tools.reader)
        texts = [*texts, *closer, *joined(closer)]
        fit = best_fit(code, [text.text for text in texts])
    facts: dict[str, Json] = {"edits": fit.cost, "chance": float(f"{fit.chance:.1e}"), "texts": len(texts)}
    if fit.chance <= BY_CHANCE:
        case.code_box = texts[fit.text].box.astype(float)
        return ok(3.0, "code_seen", **facts, **_place(texts, fit, picture.rgb.shape))
    if case.film is not None:
        return abstain("code_unclear", **facts)
    unclear = fit.cost <= UNCLEAR * len(clean(code)) + 1e-9
    seen = sought_in_frames(case, code, BY_CHANCE)
    if seen is not None:
        return _by_frames(case, seen, texts, facts, unclear=unclear)
    return abstain("code_unclear", **facts) if unclear else hard_fail("code_not_seen", **facts)


def _by_frames(
    case: Case, seen: Laid, texts: list[Text], facts: dict[str, Json], *, unclear: bool
) -> Outcome:
    """What a code that was read in the frames alone says of the photo."""
    like = None if seen.likeness is None else round(seen.likeness, 2)
    facts = {**facts, "frame": seen.frame, "frame_edits": seen.fit.cost, "letters": like}
    if like is None or seen.box is None:  # the frame could not be laid over the photo
        placed = case.placed
        unclear |= placed is not None and (placed.found or placed.likeness >= ONE_VIEW)
        return abstain("code_unclear", **facts) if unclear else hard_fail("code_not_seen", **facts)
    if not unclear and (like < OTHERS or _says_other(texts, seen.box)):
        return hard_fail("code_not_seen", **facts)
    if like < LETTERS or _says_other(texts, seen.box):
        return abstain("code_unclear", **facts)
    case.code_box = seen.box
    return ok(IN_BURST, "code_seen", **facts)


def _says_other(texts: list[Text], box: Doubles) -> bool:
    """Whether something else stands legibly where the code should be; half-read letters do not."""
    return any(
        len(clean(text.text)) >= LEGIBLE
        and text.confidence >= SURE
        and bool(inside(box, text.box.astype(float).mean(axis=0, keepdims=True))[0])
        for text in texts
    )


def _read(case: Case, picture: Picture, code: str) -> tuple[list[Text], Fit, Picture]:
    """The writing in which the code fits best, and the picture it stands in: of a film perhaps a quiet moment
    other than the key's, which then stands for the film."""
    film = case.film
    moments = evenly(film.stills, MOMENTS) if film else []
    tried = [(picture, True), (picture, False)]
    tried += [(replace(picture, rgb=rgb), True) for _, rgb in moments]
    found: list[tuple[list[Text], Fit, Picture]] = []
    for shown, quick in tried:
        texts = case.tools.reader.read(shown.rgb, quick=quick)
        texts += joined(texts)
        fit = best_fit(code, [text.text for text in texts])
        if fit.chance <= BY_CHANCE:
            return texts, fit, shown
        found.append((texts, fit, shown))
    return min(found[:2], key=lambda one: one[1].cost)


def _place(texts: list[Text], fit: Fit, shape: tuple[int, ...]) -> dict[str, Json]:
    """Where it stands (shares of width and height) and how tall the writing is (pixels)."""
    text = texts[fit.text]
    corners = text.box.astype(float)
    tall = (abs(corners[3] - corners[0]).max() + abs(corners[2] - corners[1]).max()) / 2
    box: list[Json] = [[round(x / shape[1], 3), round(y / shape[0], 3)] for x, y in corners.tolist()]
    return {"box": box, "height_px": round(float(tall)), "kind": text.kind}
