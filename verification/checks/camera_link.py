"""camera_link: whether the camera behind this picture is the one behind the account's earlier pictures.

Stops: accounts that are passed around or fed from many cameras, and the return of a refused account's
phone under a new name.
How: the sensor's noise in the middle of the picture at native resolution (`measures.prnu`) against the
mean of the account's latest earlier pictures of the same size, and against those of accounts that are
frozen. That another camera took it is said only where the earlier pictures agree with each other:
many phones' processing leaves no noise to compare.
Limits: it links, it never proves: a painted fingerprint scores higher than the camera itself, another
lens or a new phone is honest, a picture scaled or cropped off centre cannot be compared. Two pictures of one
scene pixel on pixel share its detail too (the duplicate check's business). Hence small bounds. Few
frozen accounts are compared (the latest with pictures of this size). Figures: bench/forensics.py.
Source: Lukas, Fridrich & Goljan 2006; Goljan, Fridrich & Filler 2009; TRUTH 2d.
"""

from __future__ import annotations

from verification.case import Case
from verification.evidence import Family, Outcome, abstain, ok
from verification.measures import prnu
from verification.registry import check

ENOUGH = 3  # earlier pictures of one size
LATEST = 6
REFUSED = 2  # frozen accounts compared with
SAME_PCE = 60.0
OTHER_PCE = 10.0


@check("camera_link", family=Family.CAMERA, version="1", cost=1, kinds={"photo"}, bounds=(-3.0, 0.5))
def camera_link(case: Case) -> Outcome:
    """OK "camera_of_refused_account", "same_camera" or "another_camera"; else abstains."""
    grain = case.grain()
    if grain is None:
        return abstain("no_picture")
    found, frame = prnu.residual(grain), f"{grain.width}x{grain.height}"
    if found is None:
        return abstain("no_noise_to_read")
    account, order, memory = case.evidence.session.account, case.evidence.order, case.tools.memory
    for prints in memory.refused_prints(account, frame, order, REFUSED, LATEST):
        energy = prnu.pce(prnu.fingerprint(prints), found)
        if energy >= SAME_PCE:
            return ok(-2.5, "camera_of_refused_account", pce=round(energy), pictures=len(prints))
    return _own(found, memory.prints(account, frame, order, LATEST))


def _own(found: prnu.Floats, prints: list[bytes]) -> Outcome:
    """What the account's own earlier pictures say, latest first."""
    facts: dict[str, float] = {"pictures": len(prints)}
    if len(prints) < ENOUGH:
        return abstain("too_few_earlier", **facts)
    energy = prnu.pce(prnu.fingerprint(prints), found)
    facts["pce"] = round(energy)
    if energy >= SAME_PCE:
        return ok(0.4, "same_camera", **facts)
    if energy > OTHER_PCE:
        return abstain("camera_unclear", **facts)
    facts["agreement"] = round(prnu.pce(prnu.fingerprint(prints[::2]), prnu.fingerprint(prints[1::2])))
    if facts["agreement"] < SAME_PCE:
        return abstain("earlier_pictures_disagree", **facts)
    return ok(-0.6, "another_camera", **facts)
