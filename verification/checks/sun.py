"""sun: the light in the picture fits the sun at the claimed place and time.

Stops: a daylight stock picture sent at night, a night picture sent at noon.
How: the sun's elevation from our own solar formula (NOAA's low-accuracy one; against astral within
0.013 degrees of elevation, n=909, before refraction); the picture's median and 95th percentile of
luminance, and whether its upper third looks like a daylit sky. By night also how long the shutter stood open
while the phone turned (`measures.exposure`): lamps are a hundred times weaker than day, and under mains light
a phone keeps to the flicker's 1/100 or 1/120 s where it can, so a quick shutter says that the sun is up.
Limits: exposure is automatic and rooms have lamps, so darkness by day or plain brightness by night
prove nothing: this check abstains there and at dusk (-8..+8 degrees). A bright blue sky by night is nearly
proof, but a blue wall may look like one. Shadow direction is not read. The shutter tells how much light there
was, not which: a stage or a stadium at night may be as bright as a dull day, so its word is bounded below the
sky's; it wants a burst with turns and a gyroscope. It uses the server's time, and the device's only outside
the market for want of it.
Figures (simulated, calibration photographs and phones; SHUTTER was set on them): by day in the open (1,500
lux and more) the shutter was found quicker than 1/500 s in 16 of 19, in none of 24 rooms by day, and in none
of 45 lit rooms by night (a quarter were halls of 600 to 900 lux; the quickest was found at 1/415).
Source: NOAA solar calculator; Reda & Andreas 2004 for the exact form; TRUTH 2c.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from core.geo import Spot
from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.measures.exposure import exposure_s
from verification.picture import Pixels
from verification.registry import check
from verification.statement import moment_of, spot_of

DAY_DEG = 8.0
NIGHT_DEG = -8.0
SHUTTER = ((1 / 500, 1 / 400), (-2.0, 0.0))  # seconds open -> nats, by night
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


@check("sun", family=Family.TIME, version="5", cost=1, kinds={"photo", "video"}, bounds=(-2.5, 0.2))
def sun(case: Case) -> Outcome:
    """OK "light_fits", "daylight_at_night", "shutter_of_day" or "dark_by_day"; else abstains."""
    spot, at = spot_of(case.statement), case.evidence.session.committed_at
    if case.evidence.session.outside:  # where nobody noted when it came, the device's word is what there is
        at = at or moment_of(case.statement)
    if case.picture is None or spot is None or at is None:
        return abstain("no_place_or_time")
    elevation = sun_elevation_deg(spot, at)
    median, high, sky = light(case.picture.rgb)
    seen: dict[str, float] = {
        "elevation_deg": round(elevation, 1),
        "median": round(median, 3),
        "sky": round(sky, 2),
    }
    if NIGHT_DEG <= elevation <= DAY_DEG:
        return abstain("dusk", **seen)
    if elevation < NIGHT_DEG:
        return _by_night(case, median, sky, seen)
    if high < 0.12:
        return ok(-0.7, "dark_by_day", **seen)
    return ok(0.1, "light_fits", **seen) if sky > 0.5 else abstain("indoors_possible", **seen)


def _by_night(case: Case, median: float, sky: float, seen: dict[str, float]) -> Outcome:
    """What a picture taken at night was lit by, as far as sky and shutter tell."""
    if sky > 0.5:
        return ok(-2.5, "daylight_at_night", **seen)
    if median < 0.08:
        return ok(0.2, "light_fits", **seen)
    opened = exposure_s(case.frames, case.sensed) if case.sensed is not None else None
    if opened is None:
        return abstain("indoors_possible", **seen)
    seen["shutter_ms"] = round(1000 * opened, 2)
    llr = float(np.interp(opened, *SHUTTER))
    return ok(llr, "shutter_of_day", **seen) if llr < 0 else abstain("indoors_possible", **seen)


def sun_elevation_deg(spot: Spot, at: datetime) -> float:
    """Elevation of the sun's centre above the horizon in degrees, without refraction.

    Good to a few hundredths of a degree for 1950..2050.
    """
    days = (at - _J2000).total_seconds() / 86_400
    mean_longitude = math.radians((280.460 + 0.9856474 * days) % 360)
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    longitude = mean_longitude + math.radians(1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.0000004 * days)
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    sidereal = math.radians((280.46062 + 360.98564737 * days + spot.lon) % 360)
    hour_angle = sidereal - right_ascension
    lat = math.radians(spot.lat)
    sine = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(
        hour_angle
    )
    return math.degrees(math.asin(min(1.0, max(-1.0, sine))))


def light(rgb: Pixels) -> tuple[float, float, float]:
    """Median and 95th percentile of luminance (0..1, gamma-coded), and the sky-like share of the top third.

    Sky-like: brighter than 0.45 and bluer than red by a tenth (an overcast sky does not count).
    """
    small = rgb[:: max(1, rgb.shape[0] // 120), :: max(1, rgb.shape[1] // 160)].astype(np.float32) / 255
    luminance = small @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    top, bright = small[: max(2, len(small) // 3)], luminance[: max(2, len(small) // 3)]
    blue = (bright > 0.45) & (top[..., 2] > top[..., 0] + 0.1)
    return float(np.median(luminance)), float(np.percentile(luminance, 95)), float(blue.mean())
