"""A file of another kind under a picture's name: a PDF, an SVG, a GIF, a page, nothing."""

from __future__ import annotations

from verification.redteam.registry import family
from verification.redteam.workshop import Sample, Workshop


@family("other_file", stratum="protocol")
def _make(workshop: Workshop) -> Sample:
    heads = (b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"<!doctype html>", b"")
    head = heads[int(workshop.rng.integers(len(heads)))]
    return workshop.sample(workshop.evidence(head + (workshop.rng.bytes(900) if head else b"")))
