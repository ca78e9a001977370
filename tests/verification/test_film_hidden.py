"""What is judged of a film is what its buyer gets: nothing hides in the file, the stream or the header."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.packet import PacketSideData, packet_sidedata_type_from_literal

from core.errors import BadInput
from tests.assets import build
from tests.verification import reels
from tests.verification.recut import in_place_of, repacked, shown, with_matrix
from verification.context import read
from verification.evidence import Json
from verification.film import watch
from verification.picture import Decoder, Pixels, Undecodable


def refused(decoder: Decoder, data: bytes) -> str:
    with pytest.raises(Undecodable) as caught:
        watch(decoder, data)
    return caught.value.reason


def shortened(film: bytes, seconds: float) -> bytes:
    """With an edit list that ends so early."""
    made = bytearray(film)
    at, clock = made.index(b"elst") + 12, made.index(b"mvhd") + 16
    assert struct.unpack_from(">I", made, at - 4) == (1,)  # entries
    struct.pack_into(">I", made, at, round(seconds * struct.unpack_from(">I", made, clock)[0]))
    return bytes(made)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_an_edit_list_hides_no_frame(decoder: Decoder, codec: str) -> None:
    whole = reels.honest(codec)
    cut = shortened(whole, 1.6)
    assert len(list(shown(cut).decode(video=0))) < 30  # what a player shows
    film, plain = watch(decoder, cut), watch(decoder, whole)
    assert np.array_equal(film.times, plain.times)
    assert np.array_equal(film.thumbs, plain.thumbs)
    assert film.heads == plain.heads
    assert len(list(shown(film.copy.data).decode(video=0))) == len(film.times) == 76


@pytest.mark.parametrize(
    "options",
    [
        {"output_ts_offset": "1.5"},  # an empty edit
        {"movflags": "frag_keyframe+empty_moov"},
        {"movflags": "frag_every_frame+empty_moov+default_base_moof"},
        {"movflags": "negative_cts_offsets"},
        {"use_editlist": "0"},
    ],
    ids=str,
)
def test_frames_out_of_order_and_fragments(decoder: Decoder, options: dict[str, str]) -> None:
    """B-frames: they lie in another order than they are shown in, and the first is not at 0."""
    frames = reels.wander(seconds=3.0)
    data = ordinary(frames, options)
    film = watch(decoder, data)
    times = [frame.time for frame in shown(data).decode(video=0)]
    assert np.allclose(film.times, np.array(times) - times[0], atol=1e-6)
    assert len(film.times) == len(film.packets) == len(frames)
    assert [p.t for p in film.packets] == sorted(p.t for p in film.packets)


def ordinary(frames: list[Pixels], options: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mov", options=options) as file:
        track = cast(Any, file.add_stream("libx264", rate=15, options={"bf": "3", "g": "30"}))
        track.width, track.height, track.pix_fmt = 320, 240, "yuv420p"
        for rgb in frames:
            file.mux(track.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        file.mux(track.encode(None))
    return out.getvalue()


def doubled(packets: list[Any]) -> Iterator[Any]:
    """Two pictures a packet: a player shows one, whoever takes the stream apart sees both."""
    for one, two in zip(packets[::2], packets[1::2], strict=True):
        yield in_place_of(one, bytes(one) + bytes(two))


def emptied(packets: list[Any]) -> Iterator[Any]:
    """Some packets in which no picture begins: a decoder leaves them out, or takes them for what it likes."""
    for number, packet in enumerate(packets):
        data = bytearray(bytes(packet))
        data[5] &= 0x7F if number % 3 == 1 else 0xFF  # of a slice: `first_mb_in_slice` is 0 no more
        yield in_place_of(packet, bytes(data))


def described_anew(packets: list[Any]) -> Iterator[Any]:
    """A second sample description from the twentieth packet on, of another profile."""
    other = bytearray(cast(Any, packets[0].stream).codec_context.extradata)
    other[3] ^= 1
    said = cast(Any, PacketSideData)(packet_sidedata_type_from_literal("new_extradata"), len(other))
    said.update(bytes(other))
    packets[20].set_sidedata(said)
    return iter(packets)


def unopened(packets: list[Any]) -> Iterator[Any]:
    """Without the first key frame: the decoder throws away what depends on it."""
    return iter(packets[1:])


@pytest.mark.parametrize(
    ("codec", "change", "reason"),
    [
        ("h264", doubled, "frames_hidden"),
        ("hevc", doubled, "frames_hidden"),
        ("h264", emptied, "frames_hidden"),
        ("h264", unopened, "frames_hidden"),
        ("hevc", unopened, "frames_hidden"),
        ("h264", described_anew, "changes_coding"),
    ],
)
def test_hidden_frames_are_refused(
    decoder: Decoder, codec: str, change: Callable[[list[Any]], Iterator[Any]], reason: str
) -> None:
    assert refused(decoder, repacked(reels.honest(codec), change)) == reason


def test_a_frame_that_is_only_referred_to_is_no_hidden_one(decoder: Decoder) -> None:
    """VP8 keeps such frames in packets of their own (RFC 6386, 9.1), and no player shows them."""

    def unshown(packets: list[Any]) -> Iterator[Any]:
        for number, packet in enumerate(packets):
            data = bytearray(bytes(packet))
            data[0] &= 0xEF if number in {11, 22} and data[0] & 1 else 0xFF
            yield in_place_of(packet, bytes(data))

    film = watch(decoder, repacked(reels.honest("vp8"), unshown, "webm"))
    assert (len(film.times), len(film.packets)) == (74, 76)


def test_what_turns_oddly_is_refused(decoder: Decoder) -> None:
    film, one = reels.honest(), 1 << 16
    half = round(one * 0.5**0.5)
    for a, b, c, d in ((-one, 0, 0, one), (0, one, one, 0), (half, half, -half, half), (2 * one, 0, 0, one)):
        assert refused(decoder, with_matrix(film, (a, b, 0, c, d, 0, 0, 0, 1 << 30))) == "odd_orientation"
    assert refused(decoder, with_matrix(film, (one, 0, 9, 0, one, 0, 0, 0, 1 << 30))) == "odd_orientation"
    around = watch(decoder, with_matrix(film, (-one, 0, 0, 0, -one, 0, 320 * one, 240 * one, 1 << 30)))
    assert around.rotation == 180


def test_a_turn_inside_the_stream_is_in_neither(decoder: Decoder) -> None:
    """A message (SEI 47) that turns the pictures by 90 degrees; the copy has none, so none is judged."""
    turn = b"\0\0\0\x07\x06\x2f\x03\x08\x00\x0c\x80"

    def turning(packets: list[Any]) -> Iterator[Any]:
        return (in_place_of(packet, turn + bytes(packet)) for packet in packets)

    data = repacked(reels.honest(), turning)
    assert next(shown(data).decode(video=0)).rotation != 0
    copy = watch(decoder, data).copy.data
    assert watch(decoder, data).rotation == 0
    assert next(shown(copy).decode(video=0)).rotation == 0


def test_the_copy_is_not_cropped_by_its_container(decoder: Decoder) -> None:
    """A clean aperture, to which some players cut, is not followed; so the copy has none."""
    data = bytearray(reels.honest())
    box = struct.pack(">I4s8I", 40, b"clap", 160, 1, 120, 1, 0, 1, 0, 1)
    assert data.index(b"mdat") < data.index(b"moov")
    kinds = [data.index(kind) for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")]
    for at in [*kinds, data.index(b"avc1", kinds[-1])]:
        struct.pack_into(">I", data, at - 4, struct.unpack_from(">I", data, at - 4)[0] + len(box))
    inner = data.index(b"avcC", kinds[-1]) - 4
    data[inner:inner] = box
    assert watch(decoder, bytes(data)).key.rgb.shape == (240, 320, 3)
    assert b"clap" not in watch(decoder, bytes(data)).copy.data


def test_a_film_brings_its_own_frames(tmp_path: Path) -> None:
    """Frames beside it might show something else: nobody is told that they were looked at."""
    still = build.make("honest.jpg")
    for name, data in {"clip": reels.honest(), "photo": still, "f0": still, "f1": still}.items():
        (tmp_path / name).write_bytes(data)
    both: dict[str, Json] = {"kind": "video", "file": "clip", "frames": ["f0", "f1"]}
    with pytest.raises(BadInput, match="not both") as caught:
        read(both, tmp_path)
    assert caught.value.facts["at"] == "frames"
    assert read({**both, "file": "photo"}, tmp_path).evidence.media == still


def test_a_webm_is_not_turned(decoder: Decoder) -> None:
    """No recorder that we know writes a roll into a projection, and not every player need follow one."""
    out = io.BytesIO()
    with shown(reels.honest("vp8")) as held, av.open(out, "w", format="webm") as file:
        track = file.add_stream_from_template(held.streams.video[0])
        track.set_display_rotation(90)
        for packet in held.demux(held.streams.video[0]):
            if packet.size:
                packet.stream = track
                file.mux(packet)
    assert refused(decoder, out.getvalue()) == "odd_orientation"
