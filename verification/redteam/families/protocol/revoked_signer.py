"""A camera whose signing key leaked signs anything; its certificate is on our revocation list."""

from __future__ import annotations

from verification.redteam.authorities import authorities, sign_c2pa
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("revoked_signer", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    media = sign_c2pa(workshop.jpeg(workshop.still().rgb), authorities().leaked)
    return workshop.sample(workshop.evidence(media))
