"""The cheat's phone holds a true key, with which he signs a certificate for a key made in software."""

from __future__ import annotations

from market.simulator import authority
from market.simulator.attesting import key_attestation
from verification.redteam.attesting import chained, facts_of, signing_key
from verification.redteam.authorities import vouchers
from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("extended_chain", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    evidence = workshop.evidence(workshop.still())
    held = authority.new_key()
    true = key_attestation(vouchers().phones, facts_of(evidence, public_key=held.public_key()))
    lie = facts_of(evidence, levels=(2, 2)).extension()
    leaf = authority.issue(true[0], held, "Android Keystore Key", signing_key(evidence), [(lie, False)])
    return workshop.sample(chained(evidence, [leaf, *true]))
