"""Two screens, one behind the other, the nearer see-through where the scene is far; a real sheet before."""

from __future__ import annotations

from market.simulator.flat import two_layer
from verification.redteam.lens import SIZE
from verification.redteam.registry import family
from verification.redteam.staging import fitted
from verification.redteam.workshop import Sample, Workshop


@family("two_layer_screen", stratum="sighted", fraud="staged", tiers=(1,))
def _make(workshop: Workshop) -> Sample:
    gap = float(workshop.rng.uniform(0.03, 0.15))
    focal = workshop.camera.phone.focal
    source = two_layer(fitted(workshop.base.rgb), workshop.rng, focal=focal, size=SIZE, gap_m=gap)
    return workshop.sample(workshop.evidence(workshop.shoot(source)), note=f"{gap * 100:.0f} cm")
