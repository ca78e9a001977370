"""A film with faces or plates, inside the sandbox: frames are decoded, made smaller, veiled, encoded anew.

What comes out is MP4 with H.264, which every browser plays: upright, without sound, tags or SEI messages, its
index in front, its frames in the order in which they are shown and at their own times. Frames stay in YCbCr
from one codec to the other, so no colour is converted twice; the veil averages each plane for itself.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from PIL import Image

from verification.decoding import films, limits
from verification.decoding.repack import KEEP
from verification.decoding.veil import CELLS_OF_FILMS, at, veiled

TICKS = 90_000  # a second
_ENCODER = {
    "preset": "veryfast",  # the next slower takes twice as long, the next quicker makes files thrice as large
    "crf": "22",
    "maxrate": "8M",  # bits a second: pure noise would take ten times as many
    "bufsize": "16M",
    "bf": "0",
    "g": "60",
}
_INDEX = 64 * 1024  # bytes kept free in front for the index: 25 s of 60 frames take 40 KB at most
_COLOURS = ("colorspace", "color_primaries", "color_trc", "color_range")
_ON_ITS_SIDE = {Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270}


def film(data: bytes, veils: list[list[float]], threads: int) -> tuple[io.BytesIO, int, int]:
    """The film's file, its width and its height.

    Args:
        data: a copy as `repack` makes it.
        veils: as `veil.at` takes them, of the upright picture.
        threads: to decode in, and to encode in.

    Raises:
        Refused: as `films.opened` and `films.shown`.
    """
    out, kept, scale = io.BytesIO(), films.Kept(), VideoReformatter()
    container, track, form = films.opened(data)
    settings = {"fflags": "+bitexact", "moov_size": str(_INDEX)}
    with container, av.open(out, "w", format="mp4", options=settings) as file:
        reel = _Reel(file, threads)
        for frame in films.shown(container, films.threaded(track, threads), kept, form):
            t, turn = kept.times[-1], films.UPRIGHT.get(kept.rotation)
            reel.add(t, _drawn(scale, frame, turn, at(veils, t)))
        width, height = reel.end()
    return out, width, height


class _Reel:
    """What encodes frames and writes them."""

    def __init__(self, file: Any, threads: int) -> None:
        self._file, self._threads = file, threads
        self._track: Any = None

    def add(self, t: float, picture: VideoFrame) -> None:
        """A frame at `t` seconds; all are as large as the first."""
        if self._track is None:
            self._track = self._begun(picture)
            self._sieve = BitStreamFilterContext(KEEP["h264"], self._track)
        picture.pts, picture.time_base = round(t * TICKS), Fraction(1, TICKS)
        self._write(picture)

    def end(self) -> tuple[int, int]:
        """Writes what is left; the width and height of all."""
        self._write(None)
        return self._track.codec_context.width, self._track.codec_context.height

    def _begun(self, like: VideoFrame) -> Any:
        track = self._file.add_stream("libx264", rate=30, options=dict(_ENCODER))
        codec = track.codec_context
        codec.width, codec.height, codec.pix_fmt = like.width, like.height, "yuv420p"
        codec.time_base, codec.thread_count = Fraction(1, TICKS), self._threads
        for name in _COLOURS:
            setattr(codec, name, getattr(like, name))
        return track

    def _write(self, picture: VideoFrame | None) -> None:
        for packet in self._track.encode(picture):
            for kept in self._sieve.filter(packet):
                kept.stream = self._track
                self._file.mux(kept)


def _drawn(
    scale: VideoReformatter, frame: VideoFrame, turn: Image.Transpose | None, areas: list[tuple[float, ...]]
) -> VideoFrame:
    """A frame for the encoder: upright, long side at most FILM_VEILED_SIDE, the areas unknowable."""
    share = min(1.0, limits.FILM_VEILED_SIDE / max(frame.width, frame.height))
    width, height = (max(2, round(side * share / 2) * 2) for side in (frame.width, frame.height))
    soft, usual = Interpolation.AREA, ColorRange.MPEG
    small = scale.reformat(
        frame, width, height, "yuv420p", interpolation=soft, dst_color_range=usual, threads=1
    )
    made = VideoFrame(*((height, width) if turn in _ON_ITS_SIDE else (width, height)), "yuv420p")
    for plane, onto in zip(small.planes, made.planes, strict=True):
        image = films.seen("L", (plane.width, plane.height), plane)
        upright = image.copy() if turn is None else image.transpose(turn)
        onto.update(veiled(upright, areas, CELLS_OF_FILMS).tobytes("raw", "L", onto.line_size, 1))
    for name in _COLOURS:
        setattr(made, name, getattr(small, name))
    return made
