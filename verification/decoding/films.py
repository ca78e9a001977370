"""One pass over a film, inside the sandbox: every frame of the buyer's copy is decoded once, and little of it
is kept.

Kept are a thumbnail and the time of every frame, FILM_FRAMES frames evenly over the film, and its quiet
moments: frames at which less changes than at any other within REACH seconds. These are chosen by what is
seen, not by the clock, so a copy that was trimmed, scaled or encoded anew has its quiet moments at the same
frames (content-defined chunking, as in rsync's descendants). The sharpest of the middle ones is the key.

Only the demuxer that the first bytes ask for is tried, only decoders of `limits.FILM_CODECS` are opened, and
nothing can be fetched: FFmpeg reads from memory, and this process has no file and no socket.
"""

from __future__ import annotations

import io
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image, ImageChops, ImageFilter, ImageStat

from verification.decoding import limits
from verification.decoding.boxes import form_of, walls
from verification.decoding.refusal import Refused
from verification.decoding.repack import FORMS, Copy

REACH = 0.5  # seconds to each side within which a quiet moment is the quietest
MAX_TAGS, MAX_TAG = 40, 200
_CALM = {"protocol_whitelist": "none", "codec_whitelist": ",".join(sum(limits.FILM_CODECS.values(), ()))}
_WHOLE = {"MP4": {"ignore_editlist": "1"}, "WEBM": {}}  # every sample, shown or not
ONE, LOOSE = 1 << 16, 64  # 1.0 in 16.16, and what a writer's sine of 90 degrees may be off
_TURNS = {(1, 0, 0, 1): 0, (0, -1, 1, 0): 90, (-1, 0, 0, -1): 180, (0, 1, -1, 0): 270}
UPRIGHT = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
_PLAIN = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12", "gray")

_GREY = VideoReformatter()


@dataclass(slots=True)
class Kept:
    """What one pass keeps; times are seconds from the first frame."""

    times: list[float] = field(default_factory=list)
    thumbs: list[bytes] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)  # frames that are bit for bit the one before
    even: list[tuple[float, Image.Image]] = field(default_factory=list)
    stills: list[tuple[float, Image.Image]] = field(default_factory=list)
    key: tuple[float, VideoFrame] | None = None
    rotation: int = 0  # degrees counter-clockwise that show it upright


def opened(data: bytes) -> tuple[Any, Any, str]:
    """The container, its one picture track, and the form; judged before any frame is decoded."""
    form = form_of(data)
    if not form:
        raise Refused("unknown_format")
    tail, cut = walls(data, form)
    if cut:
        raise Refused("truncated")
    if tail:
        raise Refused("polyglot")
    container = av.open(io.BytesIO(data), format=FORMS[form][0], container_options=_CALM | _WHOLE[form])
    tracks = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if len(tracks) != 1:
        raise Refused("several_tracks" if tracks else "no_video_track")
    track = tracks[0]
    codec = track.codec_context
    if codec is None or codec.name not in limits.FILM_CODECS[form]:
        raise Refused("codec_not_taken")
    long, short = max(codec.width, codec.height), min(codec.width, codec.height)
    if long > limits.FILM_SIDES[0] or short > limits.FILM_SIDES[1]:
        raise Refused("too_many_pixels")
    if short < limits.MIN_SIDE * 2:
        raise Refused("too_small")
    return container, track, form


def watch(copy: Copy, threads: int, *, timed: bool) -> Kept:
    """The pass over all frames of the copy, decoded by so many threads; `timed` where the original said how
    long it is, as a live recorder does not."""
    made: Any = av.open(copy.file, format=FORMS[copy.form][0], container_options=dict(_CALM))
    with made as container:
        track = threaded(container.streams.video[0], threads)
        kept = _kept(container, track, copy.form, container.duration if timed else None)
    if not 0 <= copy.pictures - len(kept.times) <= 1:  # the last packet may be cut off
        raise Refused("frames_hidden")
    if len(kept.times) < 2:
        raise Refused("too_short")
    return kept


def threaded(track: Any, threads: int) -> Any:
    """The track, to be decoded by so many threads."""
    codec = track.codec_context
    codec.thread_type, codec.thread_count = ("FRAME", threads) if threads > 1 else ("NONE", 1)
    return track


def _kept(container: Any, track: Any, form: str, said: int | None) -> Kept:
    kept, spread = Kept(), _Spread(min(track.frames, 600))
    quiet = _Quiet(said / av.time_base if said else None)
    before: tuple[Image.Image, VideoFrame] | None = None
    for frame in shown(container, track, kept, form):
        t = kept.times[-1]
        thumb = _thumb(frame)
        kept.thumbs.append(thumb.tobytes())
        change = 255.0
        if before is not None:
            change = _mean(ImageChops.difference(thumb, before[0]))
            if change == 0 and _same(frame, before[1]):
                kept.repeats.append(len(kept.times) - 1)
        before = (thumb, frame)
        spread.add(t, frame)
        for still in quiet.add(t, change, frame):
            kept.stills.append(still)
    if kept.times:
        kept.stills += quiet.rest()
    kept.even, kept.key = spread.chosen(), quiet.key
    return kept


def shown(container: Any, track: Any, kept: Kept, form: str) -> Iterator[VideoFrame]:
    """Frames in the order they are shown; their times are kept on the way, and how they are turned.

    Raises:
        Refused: no_times, changes_size, odd_orientation, times_do_not_rise, too_long.
    """
    size, start = (track.codec_context.width, track.codec_context.height), None
    for frame in container.decode(track):
        if frame.time is None:
            raise Refused("no_times")
        if (frame.width, frame.height) != size:
            raise Refused("changes_size")
        turn = round(frame.rotation) % 360 if kept.times else orientation(frame)
        if (kept.times and turn != kept.rotation) or (turn and form != "MP4"):
            raise Refused("odd_orientation")
        start = frame.time if start is None else start
        t = round(frame.time - start, 6)
        if kept.times and t <= kept.times[-1]:
            raise Refused("times_do_not_rise")
        if t > limits.FILM_SECONDS[1]:
            raise Refused("too_long")
        kept.times.append(t)
        kept.rotation = turn
        yield frame


class _Spread:
    """Frames evenly over a film of unknown length: every n-th, n doubling whenever they are too many."""

    def __init__(self, expected: int) -> None:
        self._every, self._seen = (
            max(1, expected // (2 * limits.FILM_FRAMES)),
            0,
        )  # a wrong guess costs time only
        self._kept: list[tuple[float, Image.Image]] = []
        self._draw = VideoReformatter()

    def add(self, t: float, frame: VideoFrame) -> None:
        if self._seen % self._every == 0:
            self._kept.append((t, picture(frame, limits.FILM_FRAME_SIDE, self._draw)))
            if len(self._kept) >= 2 * limits.FILM_FRAMES:
                self._kept = self._kept[::2]
                self._every *= 2
        self._seen += 1

    def chosen(self) -> list[tuple[float, Image.Image]]:
        count, most = len(self._kept), limits.FILM_FRAMES
        if count <= most:
            return self._kept
        return [self._kept[round(k * (count - 1) / (most - 1))] for k in range(most)]


class _Quiet:
    """Local minima of change, found while frames go by: a frame is one when none within REACH is below it.

    Attributes:
        key: the sharpest of those in the middle half of a film of `said` seconds, of all where none is said.
    """

    def __init__(self, said: float | None) -> None:
        self.key: tuple[float, VideoFrame] | None = None
        self._middle = (0.0, limits.FILM_SECONDS[1]) if said is None else (said / 4, said * 3 / 4)
        self._sharpest = (False, -1.0)
        self._near: deque[tuple[float, float, VideoFrame]] = deque()  # time, change, frame; change rises
        self._last = -REACH
        self._draw = VideoReformatter()
        self._found = 0

    def add(self, t: float, change: float, frame: VideoFrame) -> Iterator[tuple[float, Image.Image]]:
        """The quiet moment that is certain now that this frame came, if any."""
        if self._near and t - self._near[0][0] > REACH:
            yield from self._take()
        while self._near and self._near[-1][1] > change:
            self._near.pop()
        self._near.append((t, change, frame))

    def rest(self) -> list[tuple[float, Image.Image]]:
        """The last one; there is one in any film of two frames."""
        return list(self._take())

    def _take(self) -> Iterator[tuple[float, Image.Image]]:
        """The lowest leaves; it counts when the lowest before it left REACH earlier."""
        t, _, frame = self._near.popleft()
        if t - self._last >= REACH and self._found < limits.FILM_STILLS:
            self._found += 1
            image = picture(frame, limits.FILM_STILL_SIDE, self._draw)
            rank = (self._middle[0] <= t <= self._middle[1], sharpness(image))
            if rank > self._sharpest:
                self._sharpest, self.key = rank, (t, frame)
            yield t, image
        self._last = t


def picture(frame: VideoFrame, side: int, draw: VideoReformatter) -> Image.Image:
    """RGB, upright, long side at most `side`."""
    scale = min(1.0, side / max(frame.width, frame.height))
    size = (max(2, round(frame.width * scale)), max(2, round(frame.height * scale)))
    rgb = draw.reformat(frame, size[0], size[1], "rgb24", interpolation=Interpolation.AREA, threads=1)
    plane = rgb.planes[0]
    image = seen("RGB", size, plane)
    way = UPRIGHT.get(round(frame.rotation) % 360)
    return image.transpose(way) if way is not None else image.copy()


def orientation(frame: VideoFrame) -> int:
    """Degrees counter-clockwise that show it upright: 0, 90, 180 or 270.

    The display matrix (ISO/IEC 14496-12, 6.2.2) maps (x, y, 1); what it moves does not matter. To be asked of
    one frame only: it is the track's, and a frame whose side data was looked at is freed late (a cycle).

    Raises:
        Refused: odd_orientation, for any other turn, a mirror, a scale or a perspective.
    """
    side_data: Any = frame.side_data
    try:
        held = bytes(side_data[SideData.DISPLAYMATRIX])
    except KeyError:
        return 0
    a, b, u, c, d, v, _, _, w = struct.unpack("=9i", held)
    nearest = tuple(round(part / ONE) for part in (a, b, c, d))
    sound = max(abs(part - ONE * n) for part, n in zip((a, b, c, d), nearest, strict=True)) <= LOOSE
    if nearest not in _TURNS or not sound or u or v or w != 1 << 30:
        raise Refused("odd_orientation")
    return _TURNS[nearest]


def grain(frame: VideoFrame) -> tuple[dict[str, Any], bytes]:
    """The middle at native resolution, as stored: as `child.grain` gives it of a photo, YCbCr 8 bit."""
    wide, tall = (min(limits.GRAIN_SIDE, side) // 8 * 8 for side in (frame.width, frame.height))
    left, top = (frame.width - wide) // 16 * 8, (frame.height - tall) // 16 * 8
    whole = VideoReformatter().reformat(frame, format="yuv444p", threads=1)
    size, box = (frame.width, frame.height), (left, top, left + wide, top + tall)
    planes = [seen("L", size, p).crop(box) for p in whole.planes]
    return {"left": left, "top": top, "shape": [tall, wide]}, Image.merge("YCbCr", planes).tobytes()


def seen(mode: str, size: tuple[int, int], plane: VideoPlane) -> Image.Image:
    """A plane as an image, without a copy."""
    return Image.frombuffer(mode, size, memoryview(plane), "raw", mode, plane.line_size, 1)  # type: ignore[arg-type]


def sharpness(image: Image.Image) -> float:
    """Energy of the edges: larger is sharper, among pictures of one scene."""
    grey = image.convert("L").resize((limits.FILM_FRAME_SIDE, limits.FILM_FRAME_SIDE * 9 // 16))
    return float(ImageStat.Stat(grey.filter(ImageFilter.FIND_EDGES)).var[0])


def _thumb(frame: VideoFrame) -> Image.Image:
    """Grey, of FILM_THUMB, as stored: neither turned nor of the film's shape."""
    if frame.format.name in _PLAIN:
        plane = frame.planes[0]
        size = (frame.width, frame.height)
        grey = seen("L", size, plane)
        wide, high = limits.FILM_THUMB
        part = grey.reduce((max(1, frame.width // wide), max(1, frame.height // high)))
        return part if part.size == (wide, high) else part.resize((wide, high), Image.Resampling.BOX)
    small = _GREY.reformat(frame, *limits.FILM_THUMB, "gray", interpolation=Interpolation.AREA, threads=1)
    plane = small.planes[0]
    return seen("L", limits.FILM_THUMB, plane).copy()


def _same(one: VideoFrame, other: VideoFrame) -> bool:
    return all(bytes(a) == bytes(b) for a, b in zip(one.planes, other.planes, strict=True))


def _mean(image: Image.Image) -> float:
    return float(ImageStat.Stat(image).mean[0])


def seconds(value: Fraction | float | None) -> float | None:
    """A plain number of seconds, or None."""
    return None if value is None else round(float(value), 6)


def tags(container: Any, track: Any) -> dict[str, str]:
    """The texts of a container and its track, bounded; written by a stranger."""
    found = {**container.metadata, **{f"track.{key}": value for key, value in track.metadata.items()}}
    said = list(found.items())[:MAX_TAGS]
    return {str(key)[:MAX_TAG]: str(value)[:MAX_TAG] for key, value in said}
