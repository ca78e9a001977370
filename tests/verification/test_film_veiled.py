"""Faces in films are veiled in what a buyer receives, in every frame; a film without faces stays as it is."""

from __future__ import annotations

import hashlib
import io
import platform
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import av
import numpy as np
import pytest

from tests.fakes.seeing import BlindEngine
from tests.verification import reels, stage
from tests.verification.eyes import engine
from tests.verification.recut import shown
from tests.verification.test_film import turned, with_sound
from verification.case import Engine
from verification.evidence import Derivative, Report, Status
from verification.film import Film, veiled, watch
from verification.picture import Decoder, Pixels, Undecodable
from verification.pipeline import examine
from verification.registry import registered
from verification.tracks import Area, Veil

MIDDLE: Area = (0.3, 0.2, 0.7, 0.8)


@lru_cache(maxsize=1)
def passing() -> tuple[Pixels, ...]:
    return tuple(reels.passing())


@lru_cache(maxsize=1)
def told() -> bytes:
    """The same as a film that says more than it shows."""
    return reels.film(passing(), bits=6_000_000, tags={"title": "SECRET-PLACE", "comment": "SECRET-WORDS"})


@pytest.fixture(scope="module")
def report(decoder: Decoder) -> Report:
    """What comes of it."""
    return judged(decoder, told())


def judged(decoder: Decoder, data: bytes, seer: Engine | None = None) -> Report:
    """What comes of a film of which nothing but its decoding is judged."""
    with_eyes = replace(stage.tools(decoder), engine=seer or engine())
    checks = [check for check in registered() if check.name == "decode"]
    return examine(stage.photo(data, ask=stage.terms("video")), with_eyes, checks)


def delivered(report: Report) -> tuple[Derivative, dict[str, Any]]:
    (copy,) = report.derivatives
    (said,) = (finding for finding in report.findings if finding.check == "derivative")
    assert said.reason == "derivative_made"
    return copy, dict(said.facts)


def frames_of(data: bytes) -> list[Pixels]:
    """As any program shows them."""
    with shown(data) as held:
        return [frame.to_ndarray(format="rgb24") for frame in held.decode(video=0)]


def still_found(before: Sequence[Pixels], data: bytes) -> list[int]:
    """The frames in which the net finds a face where one was, and is not in doubt (where one was it is at
    least .8 sure; at .3, where looking for faces begins, a plain oval now and then is one)."""
    found = []
    for k, (one, other) in enumerate(zip(before, frames_of(data), strict=True)):
        left, top, right, bottom, _ = engine().faces(one)[0]
        faces = engine().faces(other)
        middles = (((a + c) / 2, (b + d) / 2) for a, b, c, d, heat in faces if heat > 0.4)
        if any(left < x < right and top < y < bottom for x, y in middles):  # one face may have two peaks
            found.append(k)
    return found


def everywhere(film: Film, area: Area = MIDDLE) -> list[Veil]:
    return [Veil(0.0, film.seconds, area, area)]


def test_no_face_can_be_found_in_any_frame(report: Report) -> None:
    copy, facts = delivered(report)
    assert len(still_found(passing(), told())) == len(passing()), "else the test would prove nothing"
    assert still_found(passing(), copy.data) == []
    assert facts["veiled"] >= 1
    assert report.models["centerface"] == engine().models["centerface"]


def test_it_is_another_file_that_says_nothing(decoder: Decoder, report: Report) -> None:
    copy, _ = delivered(report)
    film = watch(decoder, told())
    assert copy.sha256 == hashlib.sha256(copy.data).hexdigest() != film.copy.sha256
    assert (copy.media_type, copy.width, copy.height) == ("video/mp4", 400, 300)
    for word in (b"SECRET", b"x264", b"Lavf", b"Lavc"):
        assert word not in copy.data
    assert copy.data.index(b"moov") < copy.data.index(b"mdat"), "a browser starts before it has all"
    assert np.abs(watch(decoder, copy.data).times - film.times).max() < 0.001


def test_every_frame_is_changed_at_the_face_and_nowhere_else(report: Report) -> None:
    copy, _ = delivered(report)
    pairs = zip(frames_of(told()), frames_of(copy.data), strict=True)
    for k, (one, other) in enumerate(pairs):
        left, top, right, bottom = engine().faces(passing()[k])[0][:4].astype(int)
        apart = np.abs(one.astype(int) - other).max(axis=2)
        assert np.median(apart[top:bottom, left:right]) > 12, k
        spread = other[top + 9 : bottom - 9, left + 9 : right - 9].astype(int).std(axis=(0, 1))
        assert spread.max() < 6, "one colour, or the frames together tell a face"
        far = [
            edge for side in ("left", "right") for edge in [_beside(apart, left, right, side)] if edge.size
        ]
        assert all(np.median(edge) < 8 for edge in far), k


def _beside(apart: np.ndarray, left: int, right: int, side: str) -> np.ndarray:
    wide = 2 * (right - left)
    return apart[:, : max(0, left - wide)] if side == "left" else apart[:, right + wide :]


def test_a_film_without_faces_keeps_its_packets(decoder: Decoder) -> None:
    data = reels.film(reels.wander(seconds=1.2))
    copy, facts = delivered(judged(decoder, data))
    assert copy == watch(decoder, data).copy
    assert facts["veiled"] == 0


@pytest.mark.parametrize(("degrees", "way"), [(90, 1), (270, 3)])
def test_a_film_taken_upright_is_veiled_where_the_face_is_shown(
    decoder: Decoder, degrees: int, way: int
) -> None:
    upright = reels.passing(size=(300, 400), seconds=1.1, high=0.4)
    lying = [np.ascontiguousarray(np.rot90(rgb, way)) for rgb in upright]
    film = turned(reels.film(lying), degrees)
    copy, facts = delivered(judged(decoder, film))
    assert facts["veiled"] >= 1
    assert still_found(upright, copy.data) == []
    assert (copy.width, copy.height) == (300, 400)
    after = frames_of(copy.data)
    assert np.abs(after[0][-60:, -60:].astype(int) - upright[0][-60:, -60:]).mean() < 12
    assert watch(decoder, copy.data).rotation == 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1920), (720, 1280)),
        ((322, 242), (322, 242)),
        ((1300, 66), (1280, 64)),
    ],
)
def test_its_size(decoder: Decoder, size: tuple[int, int], expected: tuple[int, int]) -> None:
    frame = np.full((size[1], size[0], 3), 90, np.uint8)
    film = watch(decoder, reels.film([frame] * 20))
    copy = veiled(decoder, film, everywhere(film))
    assert (copy.width, copy.height) == expected
    assert frames_of(copy.data)[0].shape == (*expected[::-1], 3)


def test_of_a_webm_an_mp4_is_made(decoder: Decoder) -> None:
    film = watch(decoder, reels.film(passing(), codec="vp8"))
    copy = veiled(decoder, film, everywhere(film))
    again = watch(decoder, copy.data)
    assert (again.format, again.codec, copy.media_type) == ("MP4", "h264", "video/mp4")
    assert np.abs(again.times - film.times).max() < 0.001


def test_uneven_times_are_kept(decoder: Decoder) -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.011, 0.12, len(passing()))).tolist()
    film = watch(decoder, reels.film(passing(), times=times, fps=90.0))
    again = watch(decoder, veiled(decoder, film, everywhere(film)).data)
    assert np.std(np.diff(film.times)) > 0.01
    assert np.abs(again.times - film.times).max() < 0.001


def test_frames_out_of_order_come_in_theirs(decoder: Decoder) -> None:
    film = watch(decoder, with_b_frames([*passing()]))
    again = watch(decoder, veiled(decoder, film, everywhere(film, (0.0, 0.0, 0.1, 0.1))).data)
    assert np.abs(again.times - film.times).max() < 0.001
    assert np.abs(again.thumbs.astype(int) - film.thumbs).mean() < 3


def with_b_frames(frames: list[Pixels]) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as file:
        track = cast(Any, file.add_stream("libx264", rate=15, options={"bf": "3", "g": "30"}))
        track.width, track.height, track.pix_fmt = 400, 300, "yuv420p"
        for rgb in frames:
            file.mux(track.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        file.mux(track.encode(None))
    return out.getvalue()


def test_as_many_frames_as_a_film_may_have(decoder: Decoder) -> None:
    """Their index must fit in front."""
    rng = np.random.default_rng(3)
    count = 1490
    times = (np.arange(count) / 60 + rng.uniform(0, 0.01, count)).tolist()
    grey = [np.full((64, 96, 3), 60 + k % 90, np.uint8) for k in range(count)]
    film = watch(decoder, reels.film(grey, times=times, fps=90.0))
    copy = veiled(decoder, film, everywhere(film))
    assert len(watch(decoder, copy.data).times) == count
    assert copy.data.index(b"moov") < copy.data.index(b"mdat")


@pytest.mark.parametrize(("pix_fmt", "matrix"), [("yuvj420p", 1), ("yuv420p", 1), ("yuv420p", 5)])
def test_colours_stay(decoder: Decoder, pix_fmt: str, matrix: int) -> None:
    """Of full and of limited range, of BT.709 and of BT.601."""
    out, flat = io.BytesIO(), np.full((240, 320, 3), (200, 60, 30), np.uint8)
    with av.open(out, "w", format="mp4") as file:
        track = cast(Any, file.add_stream("libx264", rate=15))
        track.width, track.height, track.pix_fmt = 320, 240, pix_fmt
        codec = track.codec_context
        codec.colorspace, codec.color_range = matrix, 2 if pix_fmt == "yuvj420p" else 1
        for _ in range(20):
            frame = av.VideoFrame.from_ndarray(flat, format="rgb24")
            how = {"dst_colorspace": {1: "ITU709", 5: "ITU601"}[matrix], "dst_color_range": codec.color_range}
            file.mux(track.encode(frame.reformat(format=pix_fmt, **cast(Any, how))))
        file.mux(track.encode(None))
    film = watch(decoder, out.getvalue())
    copy = veiled(decoder, film, everywhere(film, (0.0, 0.0, 0.05, 0.05)))
    with shown(out.getvalue()) as one, shown(copy.data) as other:
        was, now = (next(held.decode(video=0)) for held in (one, other))
    assert (now.colorspace, now.color_range) == (was.colorspace, 1)
    apart = np.abs(was.to_ndarray(format="rgb24").astype(int) - now.to_ndarray(format="rgb24"))
    assert apart[20:].max() < 8


def test_noise_makes_no_huge_file(decoder: Decoder) -> None:
    rng = np.random.default_rng(4)
    noise: list[Pixels] = [rng.integers(0, 256, (480, 640, 3), dtype=np.uint8) for _ in range(5)]
    film = watch(decoder, reels.film(noise * 16, bits=60_000_000, fps=59.0))
    assert len(veiled(decoder, film, everywhere(film)).data) < 3_000_000


def test_sound_is_left_out(decoder: Decoder) -> None:
    film = watch(decoder, with_sound())
    assert film.audio == 1
    assert watch(decoder, veiled(decoder, film, everywhere(film)).data).audio == 0


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is written for x86-64 only")
def test_the_encoder_runs_locked_in(decoder: Decoder) -> None:
    film = watch(decoder, reels.honest())
    films = decoder.films()
    pid = films.pid
    veiled(decoder, film, everywhere(film))
    assert (films.sandbox, films.pid) == ("seccomp+rlimits", pid)


def test_what_cannot_be_veiled_is_refused_and_the_child_goes_on(decoder: Decoder) -> None:
    film = watch(decoder, reels.honest())
    pid = decoder.films().pid
    half = replace(film, copy=replace(film.copy, data=film.copy.data[: len(film.copy.data) // 2]))
    with pytest.raises(Undecodable):
        veiled(decoder, half, everywhere(film))
    assert decoder.films().pid == pid
    assert veiled(decoder, film, everywhere(film)).media_type == "video/mp4"


class BrokenEngine(BlindEngine):
    def faces(self, rgb: Pixels) -> np.ndarray:
        raise RuntimeError("the net fails")


def test_if_the_net_fails_there_is_no_copy_and_a_person_looks(decoder: Decoder) -> None:
    report = judged(decoder, reels.film(passing()[:20]), BrokenEngine())
    assert report.derivatives == ()
    (said,) = (finding for finding in report.findings if finding.check == "derivative")
    assert said.status is Status.ERROR
    assert report.verdict.value == "review"


class RestlessEngine(BlindEngine):
    """Finds faces of no place, as a net does that went astray."""

    def faces(self, rgb: Pixels) -> np.ndarray:
        return np.array([[np.nan, 10, 50, 60, 0.9]], np.float32)


def test_if_the_child_cannot_be_asked_there_is_no_copy(decoder: Decoder) -> None:
    report = judged(decoder, reels.film(passing()[:20]), RestlessEngine())
    assert report.derivatives == ()
    assert report.verdict.value == "review"
