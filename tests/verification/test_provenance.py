"""C2PA: only a manifest that chains to our own roots counts, and only for a camera capture."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from tests.assets.build import encoded, make, scene
from tests.verification import stage
from tests.verification.authority import GENERATED, Authority, found
from verification.case import Case
from verification.checks.provenance import provenance
from verification.evidence import Outcome, Status
from verification.picture import Decoder
from verification.trust import TrustList

JPEG = encoded(scene(640, 480))


@pytest.fixture(scope="module")
def maker() -> Authority:
    return found()


@pytest.fixture(scope="module")
def trust(maker: Authority, tmp_path_factory: pytest.TempPathFactory) -> TrustList:
    folder = tmp_path_factory.mktemp("trust")
    (folder / "maker.pem").write_bytes(maker.root_pem)
    return TrustList.load(folder)


def judged(decoder: Decoder, trust: TrustList, media: bytes) -> Outcome:
    return provenance(Case(stage.photo(media), stage.tools(decoder, trust=trust)))


def test_untouched_and_trusted(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    outcome = judged(decoder, trust, maker.sign(JPEG))
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "trusted_capture", 2.0)
    assert outcome.facts["issuer"] == "Test Camera Company"


def test_no_manifest_costs_nothing(decoder: Decoder, trust: TrustList) -> None:
    outcome = judged(decoder, trust, JPEG)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "no_manifest")


def test_what_is_no_picture_declares_nothing(decoder: Decoder, trust: TrustList) -> None:
    outcome = judged(decoder, trust, make("text.jpg"))
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "no_picture")


def test_someone_elses_authority_is_no_evidence(decoder: Decoder, maker: Authority) -> None:
    outcome = judged(decoder, TrustList(), maker.sign(JPEG))
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "untrusted_signer")


def test_forged_authority_with_the_same_names(decoder: Decoder, trust: TrustList) -> None:
    outcome = judged(decoder, trust, found().sign(JPEG))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "forged_issuer")


@pytest.mark.parametrize("where", ["pixels", "assertion", "behind"])
def test_one_byte_changed(decoder: Decoder, trust: TrustList, maker: Authority, where: str) -> None:
    signed = bytearray(maker.sign(JPEG))
    if where == "pixels":
        signed[-400] ^= 1
    elif where == "assertion":
        at = signed.index(b"GREENWICH")
        signed[at : at + 9] = b"GREENBACK"
    else:
        signed += b"more"
    outcome = judged(decoder, trust, bytes(signed))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "manifest_invalid")


def test_manifest_grafted_on_another_picture(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    signed, other = maker.sign(JPEG), encoded(scene(640, 480, seed=11))
    start = signed.index(b"\xff\xeb")
    manifest = signed[start : start + len(signed) - len(JPEG)]
    outcome = judged(decoder, trust, other[:20] + manifest + other[20:])
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "manifest_invalid")


def test_broken_manifest_is_as_good_as_none(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    signed = bytearray(maker.sign(JPEG))
    at = signed.index(b"jumd")
    signed[at : at + 4] = b"jxxd"
    outcome = judged(decoder, trust, bytes(signed))
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "manifest_unreadable")


def test_remote_manifest_is_never_fetched(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    outcome = judged(decoder, trust, maker.sign_elsewhere(JPEG))
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "manifest_elsewhere")


def test_trusted_signer_of_a_generated_picture(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    outcome = judged(decoder, trust, maker.sign(JPEG, GENERATED))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "declared_ai")


def test_generated_ingredient_under_an_edit(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    outcome = judged(decoder, trust, maker.sign_edit_of(JPEG, maker.sign(JPEG, GENERATED)))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "declared_ai")


def test_trusted_edit_is_no_capture(decoder: Decoder, trust: TrustList, maker: Authority) -> None:
    outcome = judged(decoder, trust, maker.sign_edit_of(JPEG, maker.sign(JPEG)))
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "trusted_but_no_capture")


@pytest.mark.parametrize(
    "name",
    [
        "ai_declared_in_xmp.jpg",
        "ai_declared_in_compressed_text.png",
        "generator_settings.png",
        "generator_settings_in_exif.jpg",
        "generator_workflow.png",
    ],
)
def test_declared_in_plain_metadata(decoder: Decoder, trust: TrustList, name: str) -> None:
    outcome = judged(decoder, trust, make(name))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "declared_ai")


def test_revoked_camera(decoder: Decoder, maker: Authority, tmp_path: Path) -> None:
    (tmp_path / "maker.pem").write_bytes(maker.root_pem)
    (tmp_path / "revoked.txt").write_text(f"# lost keys\n{maker.leaf.serial_number:x}  # 2026\n")
    outcome = judged(decoder, TrustList.load(tmp_path), maker.sign(JPEG))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "signer_revoked")


def test_revoked_root_trusts_nobody(decoder: Decoder, maker: Authority, tmp_path: Path) -> None:
    (tmp_path / "maker.pem").write_bytes(maker.root_pem)
    (tmp_path / "revoked.txt").write_text(f"sha256:{maker.root.fingerprint(hashes.SHA256()).hex()}\n")
    trust = TrustList.load(tmp_path)
    assert trust.anchors_pem == ""
    assert judged(decoder, trust, maker.sign(JPEG)).reason == "untrusted_signer"


def test_missing_folder_trusts_nobody(tmp_path: Path) -> None:
    assert TrustList.load(tmp_path / "absent") == TrustList()


def test_a_line_that_is_no_entry_is_refused(tmp_path: Path) -> None:
    (tmp_path / "revoked.txt").write_text("not hex\n")
    with pytest.raises(ValueError, match="not hex"):
        TrustList.load(tmp_path)
