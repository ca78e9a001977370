"""Films taken apart and put together otherwise, for tests."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from typing import Any

import av


def shown(data: bytes) -> Any:
    """As an ordinary program opens it."""
    return av.open(io.BytesIO(data))


def repacked(film: bytes, change: Callable[[list[Any]], Iterable[Any]], form: str = "mp4") -> bytes:
    """The film with other packets."""
    out = io.BytesIO()
    with shown(film) as held, av.open(out, "w", format=form) as file:
        track = file.add_stream_from_template(held.streams.video[0])
        for packet in change([packet for packet in held.demux(held.streams.video[0]) if packet.size]):
            packet.stream = track
            file.mux(packet)
    return out.getvalue()


def in_place_of(packet: Any, data: bytes) -> Any:
    made: Any = av.Packet(data)
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.time_base, made.is_keyframe = packet.time_base, packet.is_keyframe
    return made


def with_matrix(mp4: bytes, matrix: tuple[int, ...]) -> bytes:
    one = 1 << 16
    plain = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    at = mp4.index(plain, mp4.index(b"tkhd"))
    return mp4[:at] + struct.pack(">9i", *matrix) + mp4[at + len(plain) :]
