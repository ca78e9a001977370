"""The recorder of a simulated phone or browser: frames become one film, as MP4 or WebM.

Encoders are those in PyAV's wheel: software ones, where phones have hardware; so the encoders' own names are
left out unless asked for. Simulated, like the camera whose frames it takes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

TICKS = 90_000  # a second
_WAYS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {  # codec -> container, encoder, options
    "h264": ("mp4", "libx264", {"preset": "veryfast", "x264-params": "threads=1:scenecut=0"}),
    "hevc": (
        "mp4",
        "libx265",
        {"preset": "ultrafast", "x265-params": "pools=none:frame-threads=1:log-level=none:info=0"},
    ),
    "vp8": ("webm", "libvpx", {"deadline": "realtime", "cpu-used": "8"}),
    "vp9": ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "row-mt": "0"}),
}


def record(
    frames: Iterable[NDArray[np.uint8]],
    *,
    fps: float = 15.0,
    times: Sequence[float] = (),
    codec: str = "h264",
    bits: int = 2_000_000,
    key_every: int = 30,
    tags: Mapping[str, str] | None = None,
    marked: bool = False,
) -> bytes:
    """The file of sRGB frames uint8[h, w, 3], sides even.

    Args:
        times: seconds of each frame, rising; even at `fps` where not told.
        codec: "h264" or "hevc" (in MP4), "vp8" or "vp9" (in WebM).
        bits: a second.
        key_every: frames between key frames.
        tags: of the container, such as creation_time.
        marked: with FFmpeg's own name in the container, as a converter leaves it.

    Raises:
        ValueError: no frame.
    """
    form, encoder, options = _WAYS[codec]
    out = io.BytesIO()
    settings = {} if marked else {"fflags": "+bitexact"}
    if form == "mp4":
        settings["movflags"] = "use_metadata_tags"
    with av.open(out, "w", format=form, options=settings) as file:
        track: VideoStream | None = None
        for number, rgb in enumerate(frames):
            if track is None:
                file.metadata.update(tags or {})
                made = file.add_stream(
                    encoder, rate=Fraction(fps).limit_denominator(1001), options=dict(options)
                )
                track = cast(VideoStream, made)
                track.height, track.width = rgb.shape[:2]
                track.pix_fmt, track.bit_rate, track.gop_size = "yuv420p", bits, key_every
                track.thread_count = 1
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            at = times[number] if times else number / fps
            picture.pts, picture.time_base = round(at * TICKS), Fraction(1, TICKS)
            _write(file, track, picture)
        if track is None:
            raise ValueError("a film has frames")
        _write(file, track, None)
    return out.getvalue() if marked else out.getvalue().replace(b"Lavf", b"Reco", 2)


def _write(file: OutputContainer, track: VideoStream, picture: av.VideoFrame | None) -> None:
    """Encodes and writes, without the text that x264 leaves in the first picture and no phone does."""
    unsigned = (
        BitStreamFilterContext("filter_units=remove_types=6", track) if track.name == "libx264" else None
    )
    for packet in track.encode(picture):
        file.mux(unsigned.filter(packet) if unsigned and packet.is_keyframe else packet)
