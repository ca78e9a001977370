"""What laying one picture on another says: the same things, one exposure, or a copy.

Found by `matching.registration`, `folding`, `bending` and `same_exposure`; here is what it means.
"""

from __future__ import annotations

from dataclasses import dataclass

from verification.matching.residue import FIRM, MOVED, Reading

MIN_INLIERS = 14
MIN_BLOCKS = 12
COPY_SHARE = 0.8  # share of such blocks from which two pictures are one exposure
AFFINE_PX = 0.35  # largest perspective displacement that still counts as affine
PERSPECTIVE_PX = 2.0  # largest that inexact alignment makes of an affine map
SURE = 0.99  # median correlation from which a whole pixel does,
SURE_SHARE = 0.6  # and from which bars or words may cover the rest
AFFINE_ZOOM = 1.5  # magnification up to which an affine map means one exposure
LIGHT = 1.0  # grey levels: two exposures by a fixed camera seldom differ by less, copies saved anew do not
LIT_APART = 30.0  # grey levels: copies are seldom made brighter or darker by more
ALONE = 0.9  # correlation of the noise from which it proves what hardly any other pixels bear out
DOUBTFUL = 0.7  # correlation of the noise from which it alone makes a case for a person
NOISE_ZOOM = 3.0  # the same where the noise is surely shared


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a picture lies in an earlier one.

    Attributes:
        matches / inliers: mutual matches, and those that agree with one homography.
        blocks: textured blocks of the overlap that were correlated.
        share: share 0..1 of them that correlate by ALIKE or more.
        correlation: their median, -1..1.
        beyond: share 0..1 of the picture that lies outside the earlier frame, by more than 8 pixels.
        bend_px: how far the homography is from an affine map over the overlap, in pixels.
        zoom: how much larger things are in the picture than in the earlier one.
        folded: registered by edges, and correlated after curves that may fold (`matching.folding`).
        matrix: the map from the picture to the earlier one, row by row; () where they do not register.
        flat: the similarity and the affine map of most matches, likewise.
        framed: the whole of the one lies on the whole of the other, corner on corner, and is not turned.
        light: how far apart the two are in brightness, grey levels (median); 0 where nobody looked.
        grain: what its noise has of the earlier one's (`matching.residue`); None where nobody looked.
        bent: no homography, but a smooth map lays one on the other (`matching.bending`).
    """

    matches: int = 0
    inliers: int = 0
    blocks: int = 0
    share: float = 0.0
    correlation: float = 0.0
    beyond: float = 1.0
    bend_px: float = 0.0
    zoom: float = 1.0
    folded: bool = False
    matrix: tuple[float, ...] = ()
    flat: tuple[tuple[float, ...], ...] = ()
    framed: bool = False
    light: float = 0.0
    grain: Reading | None = None
    bent: bool = False

    @property
    def same_scene(self) -> bool:
        """The two register: they show the same things, from whatever exposure."""
        return self.inliers >= MIN_INLIERS or self.folded

    @property
    def same_exposure(self) -> bool:
        """Nearly all that both show is pixel for pixel the same."""
        return self.same_scene and self.blocks >= MIN_BLOCKS and self.share >= COPY_SHARE

    @property
    def copy(self) -> bool:
        """One picture was made from the other, or both from a third.

        Where the noise was looked at it must be shared: so nothing that cannot be read is proof. Corner on
        corner lie two exposures by a fixed camera, too, and share all texture, but under the same light both
        have as much noise: a copy in that place is known by having much less or more, or by sharing it.
        What lies elsewhere, and in quite another light, wants surer noise. Noise that is shared for sure
        needs none of it.
        """
        grain = self.grain
        if grain is None or self.sure:
            return self.sure or self.affine
        if not self.affine:
            return False
        if self.framed and not self.folded:
            return self.light <= LIGHT and not grain.textured and (self.shares or grain.altered)
        return grain.alike(FIRM if self.folded or self.light > LIT_APART else MOVED)

    @property
    def sure(self) -> bool:
        """One affine map brings squares all over the overlap to the same noise.

        A lens that zooms in on far things shows them as a part of an earlier picture does, and fine texture
        passes for noise: beyond AFFINE_ZOOM the noise must be surer.
        """
        zoom = max(self.zoom, 1 / max(self.zoom, 1e-6))
        if self.grain is None or not self.matrix or self.bend_px > 1 or zoom > NOISE_ZOOM:
            return False
        if self.framed and self.grain.textured:
            return False
        telling = self.telling and zoom <= AFFINE_ZOOM
        return self.grain.firm and (telling or self.grain.correlation >= ALONE)

    @property
    def shares(self) -> bool:
        """The noise is shared, as far as it was looked at."""
        return self.grain is not None and self.grain.says == "shared"

    @property
    def doubtful(self) -> bool:
        """Perhaps one exposure: the pixels say so, or the noise does though some pixels do not."""
        noise = self.grain is not None and self.grain.correlation >= DOUBTFUL
        return self.same_exposure or self.affine or self.bent or noise

    @property
    def apart(self) -> bool:
        """Two exposures, as far as pixels can say: no affine map, and noise of its own; or, where the noise
        cannot tell, a perspective that no crop, scaling or turn of a picture has."""
        if self.grain is None or self.affine:
            return False
        unread = self.grain.says == "unread" and self.bend_px > PERSPECTIVE_PX
        return self.grain.says == "own" or unread

    @property
    def telling(self) -> bool:
        """Much of it is alike, or there is too little texture to say: worth a finer alignment."""
        return self.share >= 0.5 or self.blocks < MIN_BLOCKS

    @property
    def affine(self) -> bool:
        """The pixels agree under an affine map: a copy, or two exposures of one flat thing."""
        zoom = max(self.zoom, 1 / max(self.zoom, 1e-6))
        if self.same_exposure and self.bend_px <= AFFINE_PX and zoom <= AFFINE_ZOOM:
            return True
        sure = self.same_scene and self.blocks >= MIN_BLOCKS and self.correlation >= SURE
        return sure and self.share >= SURE_SHARE and self.bend_px <= 1 and zoom <= AFFINE_ZOOM
