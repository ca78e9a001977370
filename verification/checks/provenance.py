"""provenance: what the file's own C2PA manifest proves, and what it admits.

Stops: edited bytes under an intact manifest, manifests grafted from another file, home-made authorities that
borrow a camera maker's name, signers whose keys were lost, and pictures that say of themselves that a
model made them.
How: c2pa-rs judges the manifest in the sandbox against our own roots (`verification.trust`) and
nothing else; remote manifests and OCSP are never fetched (both would let a stranger's file make us
call out). Only the state `Trusted` counts: `Valid` is what anyone's own authority gets. Positive
evidence asks besides that the active manifest declares a camera capture.
Limits: a trusted camera that photographs a screen is trusted (Nikon Z6III signed an AI picture by
multiple exposure, 2025): hence two nats at most, never an accept by itself. Most honest captures have
no manifest: its absence costs nothing. A manifest that cannot be parsed is as good as none.
Source: C2PA 2.x specification; TRUTH 2a (states measured with c2pa-python 0.38.1); IPTC digital source
types; sigstore's habit of numbering the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from verification.case import Case
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.picture import Provenance, Undecodable
from verification.registry import check
from verification.trust import TrustList

_SILENT = {"none": "no_manifest", "elsewhere": "manifest_elsewhere", "unreadable": "manifest_unreadable"}
NO_PHOTOGRAPH = frozenset(
    {
        "trainedAlgorithmicMedia",
        "compositeWithTrainedAlgorithmicMedia",
        "trainedAlgorithmicData",
        "algorithmicMedia",
        "generatorSettings",  # a prompt or sampler settings left in the file, see decoding.metadata
    }
)
CAPTURED = frozenset({"digitalCapture", "computationalCapture"})


@check("provenance", family=Family.PROVENANCE, version="1", cost=1, kinds={"photo"}, bounds=(0.0, 2.0))
def provenance(case: Case) -> Outcome:
    """Judging what the file says of its origin, in order.

    1. a source type of a generative model anywhere (any manifest, XMP, IPTC), or a generator's settings:
       hard fail declared_ai;
    2. no manifest, one kept elsewhere, one that cannot be parsed: abstain;
    3. state Invalid: hard fail manifest_invalid;
    4. not Trusted: hard fail forged_issuer when it bears the name of one of our roots, else abstain;
    5. Trusted, but the signing certificate is on our revocation list: hard fail signer_revoked;
    6. Trusted and declared a camera capture: OK trusted_capture; else abstain.
    """
    try:
        found = case.tools.decoder.provenance(case.evidence.media, case.tools.trust.anchors_pem)
    except Undecodable:  # the decode check says why
        return abstain("no_picture")
    manifests = _manifests(found)
    declared = set(found.declared) | {kind for manifest in manifests for kind in _source_types(manifest)}
    if declared & NO_PHOTOGRAPH:
        return hard_fail("declared_ai", declared=sorted(declared & NO_PHOTOGRAPH)[0])
    if found.state in _SILENT or not manifests:
        return abstain(_SILENT.get(found.state, "manifest_unreadable"))
    if found.state == "Invalid":
        return hard_fail("manifest_invalid")
    return _signed(found.state == "Trusted", manifests[0], case.tools.trust)


def _signed(trusted: bool, manifest: Mapping[str, Json], trust: TrustList) -> Outcome:
    """Steps 4 to 6, on the active manifest."""
    certificate = _certificate(manifest)
    if not trusted:
        borrowed = {_name(certificate, "issuer"), _name(certificate, "subject")} & trust.names
        return hard_fail("forged_issuer") if borrowed else abstain("untrusted_signer")
    if _serial(certificate) in trust.revoked:
        return hard_fail("signer_revoked")
    if not CAPTURED & set(_source_types(manifest)):
        return abstain("trusted_but_no_capture")
    return ok(2.0, "trusted_capture", issuer=_name(certificate, "issuer")[0][:80])


def _manifests(found: Provenance) -> list[Mapping[str, Json]]:
    """The manifests of a crJSON report, the active one first."""
    listed = found.report.get("manifests")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _source_types(value: Json | Mapping[str, Json], depth: int = 0) -> Iterator[str]:
    """The last word of every digitalSourceType below `value`."""
    if depth > 30:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "digitalSourceType" and isinstance(inner, str):
                yield inner.rpartition("/")[2]
            yield from _source_types(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _source_types(inner, depth + 1)


def _certificate(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    signature = manifest.get("signature")
    info = signature.get("certificateInfo") if isinstance(signature, dict) else None
    return info if isinstance(info, dict) else {}


def _name(certificate: Mapping[str, Json], who: str) -> tuple[str, str]:
    """(organisation, common name) of "issuer" or "subject"; "" where missing."""
    name = certificate.get(who)
    if not isinstance(name, dict):
        return "", ""
    return str(name.get("O", "")), str(name.get("CN", ""))


def _serial(certificate: Mapping[str, Json]) -> int | None:
    serial = certificate.get("serialNumber")
    try:
        return int(serial, 16) if isinstance(serial, str) else None
    except ValueError:
        return None
