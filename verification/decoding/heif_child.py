"""The sandboxed process that touches HEIC: `python -m verification.decoding.heif_child`.

Locked in as `verification.decoding.child`, and with the same operations, but another process: libde265 starts
a thread for each picture, asked or not, and the child for other photographs stays without that right, and
without libheif. Started when the first HEIC comes.
"""

from __future__ import annotations

from pathlib import Path

from pillow_heif import register_heif_opener

from verification.decoding.child import OPERATIONS, run_all, serve

_WARM = Path(__file__).with_name("warm.heic")  # four tiles, turned by EXIF, with XMP


def _register() -> None:
    """HEIC for Pillow. No thumbnail is taken for the picture (it could show another), no depth or gain map is
    read, and tiles are decoded one by one."""
    register_heif_opener(decode_threads=0, thumbnails=False, depth_images=False, aux_images=False)


def _warm_up() -> None:
    """Decodes one, so that nothing needs loading after the doors are shut."""
    run_all(_WARM.read_bytes())


def main() -> None:
    """The child that takes HEIC."""
    _register()
    serve(OPERATIONS, _warm_up, threads=True)


if __name__ == "__main__":
    main()
