"""Captures without a person: a phone held by a hand, in front of a scene.

A photograph becomes a scene (a ground plane, and things that stand on it at a few depths), a sheet
with the challenge code is put into it, a hand holds or moves the phone, the phone's sensor and software
make the picture. `render` does it for an honest person before a photograph, `film` for any `Scene`, a
cheat's screen among them. Everything made here is simulated and says so (`Shot.simulated`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from market.simulator.isp import Conditions, Phone
from market.simulator.motion import Doubles, Motion, Move, hold, motion_csv
from market.simulator.scene import Relief, Scene, relief
from market.simulator.sensor import Exif, Floats, Picture, encode, expose, finish
from market.simulator.sheet import Sheet, draw_sheet, focused, jostled, make_sheet
from market.simulator.view import View
from verification.evidence import Burst

FPS = 15.0
_OVERSCAN = (1.14, 1.7)  # the scene is drawn larger than the picture, so that a turning phone sees no edge
_TORCH_LUX = 30.0  # of a phone's torch at 1 m
_ADAPTED = 0.9  # how much of a torch's glare the automatic exposure takes back, as an exponent


@dataclass(frozen=True, slots=True)
class Shot:
    """What the simulated phone brings home.

    Attributes:
        jpeg: the photograph: the moment of one of the frames, at its own size.
        frames: sRGB uint8 [h, w, 3] each.
        motion: poses, what the sensors felt, and when the frames were taken.
        sheet: float64 [4, 2], the sheet's corners in the photograph in pixels, clockwise from the
            writing's top left; None when there is no sheet.
        torch: whether the torch was on, a frame a letter: "0110..."; "" when it was not asked.
        simulated: always True: no figure made with this may be quoted as if people had done it.
    """

    jpeg: bytes
    frames: list[Picture]
    motion: Motion
    sheet: Doubles | None
    torch: str = ""
    simulated: bool = True

    @property
    def gyro(self) -> Doubles:
        """float64 [n, 3] rad/s in camera axes at motion.GYRO_HZ."""
        return self.motion.gyro

    def burst(self, mode: str = "native", *, quality: int = 85) -> Burst:
        """Frames (JPEG of that quality), times and motion as the phone hands them in.

        Args:
            mode: of `motion_csv`: "native" or "web".
        """
        frames = tuple(encode(frame, quality=quality) for frame in self.frames)
        times = tuple(round(float(t), 4) for t in self.motion.times)
        return Burst(frames, times, motion_csv(self.motion, mode))


def render(
    photo: NDArray[np.uint8],
    *,
    code: str | None,
    seed: int,
    size: tuple[int, int] = (1280, 960),
    frames: int = 1,
    fps: float = FPS,
    motion: Move = hold,
    still: tuple[int, int] | None = None,
    moment: int = 0,
    held: bool = True,
    torch: str = "",
    phone: Phone | None = None,
    conditions: Conditions | None = None,
    mode: str = "",
    exif: Exif | None = None,
) -> Shot:
    """A simulated capture of the scene in `photo`; the same arguments give the same bytes.

    Args:
        photo: sRGB uint8 [h, w, 3], or grey [h, w].
        code: letters A-Z, digits, hyphen or space to be written on the sheet; None for no sheet.
        size: (width, height) of the frames, both even and at least 64.
        frames: how many, at `fps` a second.
        motion: `motion.hold`, `motion.pan("LU>")` or `motion.sidestep()`.
        still: (width, height) of the photograph where it is not `size`; it must have the same shape.
        moment: of which frame the photograph is.
        held: the sheet is held up by a hand; False: it lies on a surface (a table, a floor).
        torch: what the torch does, as letters 0 and 1, spread evenly over the frames.
        phone: whose camera; the default is a middling phone. conditions: the scene's light.
        mode: how the photograph is written: "web", "native" (see `sensor.finish`), or "" for a JPEG of
            quality 88..95 with the given EXIF or none.

    Raises:
        ValueError: the photo is not uint8 [h, w(, 3)], a size, a frame count or a pattern is out of range,
            or there is too little time for the motion.
    """
    _check(photo, size, frames)
    rng = np.random.default_rng(seed)
    moved = motion(frames, fps, rng)
    phone = phone or Phone()
    largest = still or size
    focal = phone.focal * largest[0]
    scene = relief(photo, largest, focal, _overscan(moved, largest, focal))
    sheet = make_sheet(code, not held, focal, largest, rng) if code else None
    return film(
        scene,
        moved,
        rng,
        sheet=sheet,
        size=size,
        still=still,
        moment=moment,
        torch=torch,
        phone=phone,
        conditions=conditions,
        mode=mode,
        exif=exif,
    )


def film(
    scene: Scene,
    motion: Motion,
    rng: np.random.Generator,
    *,
    sheet: Sheet | None = None,
    size: tuple[int, int] = (640, 480),
    still: tuple[int, int] | None = None,
    moment: int = 0,
    torch: str = "",
    phone: Phone | None = None,
    conditions: Conditions | None = None,
    mode: str = "",
    exif: Exif | None = None,
) -> Shot:
    """A capture of any scene by a hand that moves as told: see `render` for the arguments.

    Raises:
        ValueError: sizes of two shapes, a moment that is no frame, a torch pattern of other letters.
    """
    phone, conditions = phone or Phone(), conditions or Conditions()
    count = len(motion.rotations)
    if still and abs(still[0] * size[1] - still[1] * size[0]) > 2 * max(size):
        raise ValueError(f"photograph {still} and frames {size} differ in shape")
    if not 0 <= moment < count or set(torch) - {"0", "1"}:
        raise ValueError(f"moment is a frame of {count}, torch letters 0 and 1: not {moment}, {torch!r}")
    camera = _Camera(scene, sheet, motion, rng, phone, conditions, _spread(torch, count))
    pictures = [camera.shoot(k, size) for k in range(count)]
    photograph = camera.shoot(moment, still) if still else pictures[moment]
    jpeg = finish(photograph, mode, rng, exif) if mode else _plain(photograph, rng, exif)
    corners = camera.corners(moment, still or size) if sheet else None
    return Shot(jpeg, pictures, motion, corners, camera.torch if torch else "")


def mjpeg(shot: Shot, path: Path) -> None:
    """Writes the shot as a clip for Chromium's `--use-file-for-fake-video-capture`.

    The file is JPEG pictures one after another, there and back again so that the loop has no jump;
    the name must end in `.mjpeg`, Chromium goes by it.

    Raises:
        ValueError: another file name.
    """
    if path.suffix != ".mjpeg":
        raise ValueError(f"Chromium takes only *.mjpeg, not {path.name}")
    there_and_back = shot.frames + shot.frames[-2:0:-1]
    path.write_bytes(b"".join(encode(picture) for picture in there_and_back))


def _check(photo: NDArray[np.uint8], size: tuple[int, int], frames: int) -> None:
    if photo.dtype != np.uint8 or not (photo.ndim == 2 or (photo.ndim == 3 and photo.shape[2] == 3)):
        raise ValueError(f"a photo is uint8 [h, w, 3] or [h, w], not {photo.dtype} {photo.shape}")
    if min(size) < 64 or size[0] % 2 or size[1] % 2:
        raise ValueError(f"size is two even numbers of at least 64, not {size}")
    if not 1 <= frames <= 600:
        raise ValueError(f"frames is 1..600, not {frames}")


@dataclass
class _Camera:
    """One phone before one scene, for the length of a capture."""

    scene: Scene
    sheet: Sheet | None
    motion: Motion
    rng: np.random.Generator
    phone: Phone
    conditions: Conditions
    torch: str

    def __post_init__(self) -> None:
        self._lights: dict[tuple[int, int], Floats] = {}
        self._scenes: dict[tuple[int, int], Scene] = {}
        self._textures: dict[tuple[int, int], Sheet] = {}
        self._shade = int(self.rng.integers(2**32))
        self._sheets = jostled(self.sheet, len(self.torch), self.rng) if self.sheet else []

    def shoot(self, k: int, size: tuple[int, int]) -> Picture:
        """The picture of moment `k` at a size."""
        view = self._view(k, size)
        seen = self._scene(size).look(view)
        if self.sheet:
            corners = self._sheets[k].corners
            light = self._light(view)
            if view.torch:
                near = float(np.linalg.norm(corners.mean(axis=0) - view.shift))
                light = light + np.float32(view.torch / near**2)
            pixels = view.project(corners)
            seen = draw_sheet(self._focused(size, pixels), seen, pixels, light)
        if view.torch:
            seen = seen * np.float32(_adapted(seen))
        blurred = cv2.GaussianBlur(_smear(seen, view, self.conditions.shutter_s), (0, 0), view.blur)
        return expose(np.asarray(blurred, np.float32), self.rng, self.phone, self.conditions)

    def corners(self, k: int, size: tuple[int, int]) -> Doubles:
        """Where the sheet's corners are seen at moment `k`."""
        return self._view(k, size).project(self._sheets[k].corners)

    def _view(self, k: int, size: tuple[int, int]) -> View:
        """A white thing is about 1 in linear light, so a torch's lux count against the scene's."""
        lit = _TORCH_LUX / self.conditions.lux if self.torch[k] == "1" else 0.0
        motion, phone = self.motion, self.phone
        return View(
            turn=motion.rotations[k],
            shift=motion.shifts[k],
            size=size,
            focal=phone.focal * size[0],
            rate=motion.rates[k],
            readout_s=phone.readout_s,
            blur=float(np.hypot(phone.lens_blur, self.conditions.defocus)) * size[0] / 1280 + 0.1,
            time=float(motion.times[k]),
            torch=lit,
        )

    def _scene(self, size: tuple[int, int]) -> Scene:
        if not isinstance(self.scene, Relief):
            return self.scene
        if size not in self._scenes:
            factor = self.phone.focal * size[0] / self.scene.focal
            self._scenes[size] = self.scene.shrunk(min(1.0, factor))
        return self._scenes[size]

    def _focused(self, size: tuple[int, int], pixels: Doubles) -> Sheet:
        """The sheet's texture at a size; how far it is shrunk hardly changes while a capture lasts."""
        if size not in self._textures:
            self._textures[size] = focused(self._sheets[0], pixels)
        return self._textures[size]

    def _light(self, view: View) -> Floats:
        """The light on the sheet: it stays while the capture lasts, at whatever size."""
        if view.size not in self._lights:
            still = replace(view, torch=0.0)
            self._lights[view.size] = self._scene(view.size).light(still, np.random.default_rng(self._shade))
        return self._lights[view.size]


def _plain(picture: Picture, rng: np.random.Generator, exif: Exif | None) -> bytes:
    return encode(picture, quality=int(rng.integers(88, 96)), exif=exif)


def _spread(torch: str, count: int) -> str:
    """The torch's state at each of `count` frames."""
    return "".join(torch[k * len(torch) // count] for k in range(count)) if torch else "0" * count


def _adapted(light: Floats) -> float:
    """The factor by which an automatic exposure answers a torch that has made something too bright."""
    bright = float(np.quantile(light[::8, ::8], 0.95))
    return float(max(1.0, bright) ** -_ADAPTED)


def _smear(light: Floats, view: View, shutter_s: float) -> Floats:
    """Motion blur of a turning phone: a line as long as the scene moves while the shutter is open."""
    # Turning right (+y) moves the scene left; turning up (+x) moves it down.
    move = np.array([-view.rate[1], view.rate[0]]) * view.focal * shutter_s
    length = float(np.linalg.norm(move))
    if length < 0.7:
        return light
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for t in np.linspace(-0.5, 0.5, 8 * reach):
        x, y = move * t + reach
        left, top = int(x), int(y)
        across, down = x - left, y - top
        weights = np.outer((1 - down, down), (1 - across, across))
        kernel[top : top + 2, left : left + 2] += weights.astype(np.float32)
    return np.asarray(cv2.filter2D(light, -1, kernel / kernel.sum()), np.float32)


def _overscan(motion: Motion, size: tuple[int, int], focal: float) -> tuple[float, float]:
    """How much wider and higher than a picture the scene must be for the motion, within _OVERSCAN."""
    half = np.array(size) / 2 / focal
    corners = np.array([(x, y, 1) for x in (-half[0], half[0]) for y in (-half[1], half[1])])
    seen = (motion.rotations @ corners.T).transpose(0, 2, 1)
    reach = np.abs(seen[..., :2] / seen[..., 2:]).max(axis=(0, 1)) / half + 0.02
    wide, high = np.clip(reach, *_OVERSCAN)
    return float(wide), float(high)
