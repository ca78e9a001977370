"""Films out of hostile bytes, by way of a sandboxed child of their own
(`verification.decoding.film_child`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from verification.decoding import heif, limits
from verification.decoding.boxes import form_of
from verification.evidence import Derivative
from verification.picture import Decoder, Grain, Picture, Pixels
from verification.tracks import Veil

Doubles = npt.NDArray[np.float64]
Item = TypeVar("Item")
_HEAD = 32  # bytes of SHA-256


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded frame as the file holds it: its time (seconds, in decoding order), size, and whether it
    is a key frame."""

    t: float
    size: int
    key: bool


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A film that was watched from end to end.

    Attributes:
        format: "MP4" (and MOV) or "WEBM". codec: of `limits.FILM_CODECS`. profile: as FFmpeg names it, or "".
        width / height: as stored. rotation: degrees counter-clockwise that show it upright.
        audio: sound tracks. tags: the container's texts; written by a stranger.
        times: float64[n] seconds from the first frame, rising; `seconds` is the last.
        thumbs: uint8[n, 36, 64], grey, of every frame, as stored.
        repeats: frames that are bit for bit the one before.
        packets: of the picture track, in the file's order.
        heads: the chain over them, 32 bytes a packet (see `checks.frame_chain`).
        frames: (time, uint8[h, w, 3]) evenly over the film, at most 64, long side <= 640.
        stills: the same at quiet moments, at most 40, long side <= 960.
        key: the sharpest of the middle ones, long side <= 1600, as a Picture; `key_time` is its time.
        grain: its middle at native resolution.
        copy: what all the above was seen in (`decoding.repack`); the buyer gets it where it shows no face.
    """

    format: str
    codec: str
    profile: str
    width: int
    height: int
    rotation: int
    audio: int
    tags: Mapping[str, str]
    times: Doubles
    thumbs: Pixels
    repeats: tuple[int, ...]
    packets: tuple[Packet, ...]
    heads: tuple[bytes, ...]
    frames: tuple[tuple[float, Pixels], ...]
    stills: tuple[tuple[float, Pixels], ...]
    key: Picture
    key_time: float
    grain: Grain
    copy: Derivative

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float(self.times[-1])

    @property
    def fps(self) -> float:
        """Frames a second."""
        return (len(self.times) - 1) / self.seconds


_KEPT: WeakKeyDictionary[Decoder, tuple[bytes, Film]] = WeakKeyDictionary()  # one a decoder


def watch(decoder: Decoder, data: bytes, *, twice: bool = False) -> Film:
    """The film in `data`.

    Args:
        twice: these bytes (this object) will be watched once more, and the film is kept for that one time.

    Raises:
        picture.Undecodable: the bytes are at fault: empty_file, too_many_bytes, unknown_format, truncated,
            polyglot, no_video_track, several_tracks, codec_not_taken, too_many_pixels, too_small, too_short,
            too_long, too_many_frames, frames_hidden, changes_coding, changes_size, odd_orientation, no_times,
            times_do_not_rise, broken, out_of_memory, too_costly or breaks_decoder.
        core.errors.Unavailable: the machine is.
    """
    kept = _KEPT.pop(decoder, None)
    seen = kept[1] if kept is not None and kept[0] is data else _watched(decoder, data)
    if twice:
        _KEPT[decoder] = data, seen
    return seen


def _watched(decoder: Decoder, data: bytes) -> Film:
    said, body = decoder.films().job({"op": "watch"}, data)
    taken = _Taken(body)
    copied = taken.bytes(said["copied"])
    heads = [taken.bytes(_HEAD) for _ in said["packets"]]
    wide, high = limits.FILM_THUMB
    thumbs = taken.pixels((len(said["times"]), high, wide))
    even, still, key = ((*shape, 3) for shape in said["shapes"])
    frames = [(float(t), taken.pixels(even)) for t in said["even"]]
    stills = [(float(t), taken.pixels(still)) for t in said["stills"]]
    picture = Picture(said["format"], said["width"], said["height"], taken.pixels(key), {}, 0)
    return Film(
        **{name: said[name] for name in ("format", "codec", "profile", "width", "height", "rotation")},
        audio=said["audio"],
        tags=said["tags"],
        times=np.array(said["times"], np.float64),
        thumbs=thumbs,
        repeats=tuple(said["repeats"]),
        packets=tuple(Packet(float(t), int(size), bool(is_key)) for t, size, is_key in said["packets"]),
        heads=tuple(heads),
        frames=tuple(frames),
        stills=tuple(stills),
        key=picture,
        key_time=float(said["key"]),
        grain=_grain(said, taken),
        copy=Derivative(
            copied, hashlib.sha256(copied).hexdigest(), said["media_type"], said["width"], said["height"]
        ),
    )


def veiled(decoder: Decoder, film: Film, veils: Sequence[Veil]) -> Derivative:
    """What the buyer gets of a film with faces or plates: MP4, upright, long side <= 1280, encoded anew.

    Raises:
        picture.Undecodable, core.errors.Unavailable: as `watch`.
    """
    told = [[each.start, each.end, *each.first, *each.last] for each in veils]
    said, body = decoder.films().job({"op": "veil", "veils": told}, film.copy.data)
    sha256 = hashlib.sha256(body).hexdigest()
    return Derivative(bytes(body), sha256, said["media_type"], said["width"], said["height"])


def _grain(said: Mapping[str, Any], taken: _Taken) -> Grain:
    cut = said["grain"]
    ycbcr = taken.pixels((*cut["shape"], 3))
    return Grain(said["format"], said["width"], said["height"], cut["left"], cut["top"], ycbcr, ())


class _Taken:
    """A reply's body, taken from the front; what is taken does not keep the rest alive."""

    def __init__(self, body: memoryview) -> None:
        self._body, self._at = body, 0

    def bytes(self, count: int) -> bytes:
        self._at += count
        return bytes(self._body[self._at - count : self._at])

    def pixels(self, shape: Sequence[int]) -> Pixels:
        return np.frombuffer(self.bytes(int(np.prod(shape))), np.uint8).reshape(shape)


def is_film(data: bytes) -> bool:
    """Whether the first bytes are a film's: whoever hands it in may say so wrongly, and the child decides.

    HEIC and AVIF begin as MP4 does, but for their brands.
    """
    return bool(form_of(data)) and not heif.form_of(data)


def views(film: Film) -> Iterator[Pixels]:
    """The pictures by which a film is known again: the key and its quiet moments."""
    yield film.key.rgb
    yield from (rgb for _, rgb in film.stills)


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most so many of them, evenly, first and last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(k * (len(items) - 1) / (count - 1))] for k in range(count)]
