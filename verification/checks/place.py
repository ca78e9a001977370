"""place: the position that was signed lies in the asked-for area.

Stops: captures from elsewhere by people who do not bother to forge a position; it prices, and does
not stop, those who do (half the cheats are assumed to).
How: likelihood ratio of the signed point x. Genuine: the device stands in the area and reports x with
a Gaussian error of the reported accuracy (W3C Geolocation: 95 % radius, so sigma = accuracy / 2, at
least 5 m). Not genuine: with share SPOOFED a forged point that looks the same, else a point anywhere
within a wide disc. So a small area hit says more than a large one, and an area as wide as the
alternative says nothing. A point nailed to the area's very centre is what a forger types.
For an instrument the place is where it is registered to stand.
Limits: the browser's position can be forged at will; accuracy is the device's own claim.
Source: TRUTH 2c (scoring with a Gaussian, not a hard circle); W3C Geolocation API section 5.
"""

from __future__ import annotations

import math

from core.geo import Area, Spot, distance_m
from verification.case import Case
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.registry import check
from verification.statement import number, spot_of

SPOOFED = 0.55  # share of cheats whose forged position fits; hand-set
WIDE_M = 5_000.0  # radius of the alternative, or ten times the area's
FAR_M = 1_000.0  # beyond this and six accuracies the device itself says it was elsewhere
WORST_ACCURACY_M = 2_000.0
CENTRE_M = 0.5
CENTRE_LLR = -1.5


@check("place", family=Family.PLACE, version="1", cost=0, kinds={"photo", "video"}, bounds=(-5.0, 0.7))
def place(case: Case) -> Outcome:
    """OK "inside_area", "near_area" or "exact_centre"; hard-fails "outside_area", "no_position".

    Abstains "no_area", "no_statement", "accuracy_not_credible", and outside the market "position_unknown".
    """
    area, spot = case.evidence.terms.area, spot_of(case.statement)
    if area is None or spot is None:
        return _unplaced(case, area)
    accuracy = number((case.statement or {}).get("accuracy_m"))
    beyond = area.distance_m(spot)
    trusted_m = accuracy if accuracy is not None and 0 < accuracy <= WORST_ACCURACY_M else None
    if beyond > FAR_M + 6 * (trusted_m or WORST_ACCURACY_M):
        return hard_fail("outside_area", beyond_km=round(beyond / 1000))
    if trusted_m is None:
        return abstain("accuracy_not_credible")
    if distance_m(area.centre, spot) < CENTRE_M and area.radius_m > 20 * CENTRE_M:
        return ok(CENTRE_LLR, "exact_centre")
    reason = "inside_area" if beyond == 0 else "near_area"
    return ok(_llr(area, beyond, trusted_m), reason, beyond_m=round(beyond), accuracy_m=round(trusted_m))


def _unplaced(case: Case, area: Area | None) -> Outcome:
    """Why a position cannot be compared with an area."""
    if area is None:
        return abstain("no_area")
    if case.statement is None:
        return abstain("no_statement")
    if case.evidence.session.outside and not {"lat", "lon"} & case.statement.keys():
        return abstain("position_unknown")
    return hard_fail("no_position")  # the phone page takes no picture without one: it was left out


@check("installed_place", family=Family.PLACE, version="1", cost=0, kinds={"stream"}, bounds=(-5.0, 0.7))
def installed_place(case: Case) -> Outcome:
    """OK "registered_inside"; hard-fails "outside_area"; abstains for an instrument without a place."""
    spot: Spot | None = case.evidence.installed_at
    area = case.evidence.terms.area
    if spot is None:
        return abstain("not_registered_anywhere")
    if area is None:
        return abstain("no_area")
    beyond = area.distance_m(spot)
    if beyond > 0:
        return hard_fail("outside_area", beyond_km=round(beyond / 1000))
    return ok(0.5, "registered_inside")


def _llr(area: Area, beyond: float, accuracy_m: float) -> float:
    """ln G / (SPOOFED G + (1 - SPOOFED) U), G and U densities per square metre (the pi cancels)."""
    sigma = max(5.0, accuracy_m / 2)
    log_g = -2 * math.log(area.radius_m + sigma) - 0.5 * (beyond / sigma) ** 2
    log_u = -2 * math.log(max(WIDE_M, 10 * area.radius_m))
    ratio = math.exp(min(log_u - log_g, 700.0))
    return -math.log(SPOOFED + (1 - SPOOFED) * ratio)
