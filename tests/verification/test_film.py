"""Films out of hostile bytes: what is taken, what is refused and why, and what the copy leaves behind."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable

import av
import cv2
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.container import OutputContainer

from market.simulator.recorder import record
from tests.assets import build
from tests.verification import reels
from tests.verification.recut import repacked, with_matrix
from verification.decoding import limits
from verification.decoding.boxes import form_of, walls
from verification.film import is_film, watch
from verification.picture import Decoder, Undecodable


def refused(decoder: Decoder, data: bytes) -> str:
    with pytest.raises(Undecodable) as caught:
        watch(decoder, data)
    return caught.value.reason


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp8", "vp9"])
def test_a_film_is_watched(decoder: Decoder, codec: str) -> None:
    film = watch(decoder, reels.honest(codec))
    assert (film.format, film.codec) == ("MP4" if codec in {"h264", "hevc"} else "WEBM", codec)
    assert (film.width, film.height, film.rotation, film.audio) == (320, 240, 0, 0)
    assert len(film.times) == len(film.thumbs) == len(film.packets) == len(film.heads) == 76
    assert film.seconds == pytest.approx(5.0, abs=0.01)
    assert film.fps == pytest.approx(15.0, abs=0.1)
    assert len(film.frames) == 64
    assert film.frames[0][1].shape == film.stills[0][1].shape == film.key.rgb.shape == (240, 320, 3)
    assert film.frames[-1][0] == pytest.approx(5.0, abs=0.2)
    assert film.grain.ycbcr.shape == (240, 320, 3)
    assert film.packets[0].key
    assert 1 <= len(film.stills) <= limits.FILM_STILLS
    assert film.seconds / 4 <= film.key_time <= film.seconds * 3 / 4


def test_a_film_that_is_watched_twice_is_decoded_once(decoder: Decoder) -> None:
    data = reels.honest()
    first = watch(decoder, data, twice=True)
    assert watch(decoder, data) is first
    assert watch(decoder, data) is not first  # it was kept for one more time only
    kept = watch(decoder, data, twice=True)
    same = bytes(bytearray(data))
    assert watch(decoder, same) is not kept
    other = watch(decoder, data, twice=True)
    with pytest.raises(Undecodable):
        watch(decoder, b"no film")
    assert watch(decoder, data) is not other


def test_the_pictures_are_the_films(decoder: Decoder) -> None:
    frames = reels.wander(seed=3)
    film = watch(decoder, reels.film(frames, bits=4_000_000))
    for t, rgb in film.frames[::9]:
        apart = np.abs(rgb.astype(int) - frames[round(t * reels.FPS)])
        assert apart.mean() < 6
    key = np.abs(film.key.rgb.astype(int) - frames[round(film.key_time * reels.FPS)])
    assert key.mean() < 6


def test_a_film_taken_upright_is_turned(decoder: Decoder) -> None:
    frames = reels.wander(seconds=2.0)
    lying = turned(reels.film(frames), 90)
    film = watch(decoder, lying)
    assert film.rotation in {90, 270}
    assert film.key.rgb.shape == (320, 240, 3)
    way = 1 if film.rotation == 90 else 3
    shown = np.rot90(frames[round(film.key_time * reels.FPS)], way).astype(int)
    assert np.abs(film.key.rgb.astype(int) - shown).mean() < 8


def turned(mp4: bytes, degrees: int) -> bytes:
    """The film with a turn in its track header's matrix (ISO/IEC 14496-12, 8.3.2)."""
    one, sine = 1 << 16, {90: 1, 270: -1}[degrees]
    return with_matrix(mp4, (0, sine * one, 0, -sine * one, 0, 0, 0, 0, 1 << 30))


def test_more_frames_than_kept_are_spread_over_the_film(decoder: Decoder) -> None:
    film = watch(decoder, reels.film(reels.wander(seconds=20.0, size=(160, 120)), bits=300_000))
    waits = np.diff([t for t, _ in film.frames])
    assert len(film.frames) == limits.FILM_FRAMES
    assert waits.max() < 2.1 * waits.min()
    assert film.frames[-1][0] > 19.5


def test_repeated_frames_are_counted(decoder: Decoder) -> None:
    still = np.full((240, 320, 3), 90, np.uint8)
    film = watch(decoder, reels.film([still] * 40))
    assert len(film.repeats) >= 30


def of_size(width: int, height: int, count: int = 20) -> bytes:
    grey = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return record([np.asarray(cv2.resize(grey, (width, height)), np.uint8)] * count, codec="vp8", fps=15)


def sound_only() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        track = file.add_stream("aac", rate=48_000)
        silence(file, track)
    return out.getvalue()


def silence(file: OutputContainer, track: AudioStream) -> None:
    for k in range(90):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 1024 * k
        file.mux(track.encode(frame))
    file.mux(track.encode(None))


def of_codec(encoder: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        track = file.add_stream(encoder, rate=10)
        track.width, track.height, track.pix_fmt = 320, 240, "yuv420p"  # type: ignore[union-attr]
        for rgb in reels.wander(seconds=2.0):
            file.mux(track.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))  # type: ignore
        file.mux(track.encode(None))  # type: ignore[union-attr]
    return out.getvalue()


def huge_in_the_header() -> bytes:
    """An MP4 whose sample description says 65,535 x 65,535; the pictures inside are small."""
    data = bytearray(reels.honest())
    at = data.index(b"avc1", data.index(b"stsd")) + 4 + 24
    assert struct.unpack_from(">HH", data, at) == (320, 240)
    struct.pack_into(">HH", data, at, 65_535, 65_535)
    return bytes(data)


def in_matroska() -> bytes:
    """H.264 in a container for which no copy is made."""
    return repacked(reels.honest(), iter, "matroska")


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty_file"),
    "text": (lambda: b"not a film" * 100, "unknown_format"),
    "zero bytes": (lambda: bytes(4096), "unknown_format"),
    "a photograph": (lambda: build.make("honest.jpg"), "unknown_format"),
    "avi": (lambda: b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(4096), "unknown_format"),
    "a playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "unknown_format"),
    "cut in half": (lambda: reels.honest()[: len(reels.honest()) // 2], "truncated"),
    "cut webm": (lambda: reels.honest("vp8")[:-4_000], "truncated"),
    "a box and nothing": (lambda: struct.pack(">I4s", 8, b"ftyp"), "broken"),
    "sound alone": (sound_only, "no_video_track"),
    "another codec": (lambda: of_codec("mpeg4"), "codec_not_taken"),
    "h264 in matroska": (in_matroska, "codec_not_taken"),
    "one frame": (lambda: reels.film(reels.wander(seconds=2.0)[:1]), "too_short"),
    "half a second": (lambda: reels.film(reels.wander(seconds=0.5)), "too_short"),
    "half a minute": (lambda: of_length(30.0), "too_long"),
    "tiny": (lambda: of_size(32, 32), "too_small"),
    "too wide": (lambda: of_size(4096, 128), "too_many_pixels"),
    "too many frames": (lambda: reels.film(reels.wander(seconds=12.0), fps=90.0), "too_many_frames"),
    "zip behind": (lambda: reels.honest() + build.small_zip(), "polyglot"),
    "two films": (lambda: reels.honest() * 2, "polyglot"),
    "zip behind webm": (lambda: reels.honest("vp8") + b"PK\x03\x04" + b"x" * 60, "polyglot"),
}  # fmt: skip


def of_length(seconds: float) -> bytes:
    grey = np.full((120, 160, 3), 90, np.uint8)
    return record([grey] * round(seconds * 5), fps=5.0, codec="vp8")


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_says_why(decoder: Decoder, name: str) -> None:
    make, reason = BAD[name]
    assert refused(decoder, make()) == reason
    assert watch(decoder, reels.honest()).codec == "h264"  # and the child goes on


def test_what_the_header_says_of_size_is_not_believed(decoder: Decoder) -> None:
    said = outcome_of(decoder, huge_in_the_header())
    assert said in {"too_many_pixels", "changes_size", "broken", "320x240"}


def outcome_of(decoder: Decoder, data: bytes) -> str:
    """The size of the film's key picture, or why it is refused."""
    try:
        height, width = watch(decoder, data).key.rgb.shape[:2]
    except Undecodable as refusal:
        return refusal.reason
    return f"{width}x{height}"


def test_too_many_bytes(decoder: Decoder) -> None:
    assert refused(decoder, reels.honest() + bytes(limits.FILM_BYTES)) == "too_many_bytes"


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_mutants_are_films_or_refusals(decoder: Decoder, codec: str) -> None:
    """60 films with a few bytes changed or a part taken out, from one child that outlives them."""
    chance = random.Random(7)
    whole = reels.film(reels.wander(seconds=1.5, size=(160, 120)), codec=codec, bits=200_000)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            at = chance.randrange(len(data))
            del data[at : at + chance.randrange(1, 400)]
        said = outcome_of(decoder, bytes(data))
        assert said != "breaks_decoder"


def test_the_film_child_is_confined(decoder: Decoder) -> None:
    watch(decoder, reels.honest())
    assert decoder.films().sandbox.endswith("rlimits")
    assert decoder.films().pid != decoder.pid


def test_a_film_costs_bounded_memory(decoder: Decoder) -> None:
    with Decoder() as small:
        films = Decoder(
            program="verification.decoding.film_child", memory_bytes=300_000_000, max_bytes=limits.FILM_BYTES
        )
        small._beside = films
        assert refused(small, of_size(3840, 2160, 30)) == "out_of_memory"


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp8", "vp9"])
def test_the_copy_shows_the_same_and_says_nothing(decoder: Decoder, codec: str) -> None:
    tags = {"title": "SECRET-PLACE", "comment": "SECRET-WORDS", "creation_time": "2020-02-02T02:02:02Z"}
    whole = reels.film(reels.wander(seconds=2.0), codec=codec, tags=tags)
    assert b"SECRET" in whole
    copy = watch(decoder, whole).copy
    assert b"SECRET" not in copy.data
    assert b"x264" not in copy.data
    assert copy.media_type == ("video/mp4" if codec in {"h264", "hevc"} else "video/webm")
    assert (copy.width, copy.height) == (320, 240)
    before, after = watch(decoder, whole), watch(decoder, copy.data)
    assert np.array_equal(before.thumbs, after.thumbs)
    assert np.allclose(before.times, after.times, atol=0.002)
    assert "creation_time" not in after.tags


def test_the_copy_keeps_the_turn_and_drops_the_sound(decoder: Decoder) -> None:
    copy = watch(decoder, turned(with_sound(), 90)).copy
    film = watch(decoder, copy.data)
    assert (film.rotation != 0, film.audio) == (True, 0)


def with_sound() -> bytes:
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(reels.film(reels.wander(seconds=2.0))), "r") as held,
        av.open(out, "w", format="mp4") as file,
    ):
        seen = file.add_stream_from_template(held.streams.video[0])
        heard = file.add_stream("aac", rate=48_000)
        for packet in held.demux(held.streams.video[0]):
            if packet.size:
                packet.stream = seen
                file.mux(packet)
        silence(file, heard)
    return out.getvalue()


def test_walls() -> None:
    assert [form_of(reels.honest(codec)) for codec in ("h264", "vp8")] == ["MP4", "WEBM"]
    assert not is_film(build.make("honest.jpg"))
    for codec in ("h264", "vp8"):
        whole = reels.honest(codec)
        assert walls(whole, form_of(whole)) == (0, False)
        assert walls(whole + bytes(64), form_of(whole))[1] is False
    live = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"anything"
    assert walls(live, "WEBM") == (0, False)  # a recorder of a browser does not know the length
