"""What an image may be. One table, read by the child and by its parent."""

from __future__ import annotations

FORMATS = ("JPEG", "PNG", "WEBP")
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MAX_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 50_000_000  # Pillow itself only warns until 178,956,970
MAX_SCANS = 100  # of a JPEG: progressive ones have about ten; each further one costs a pass over all pixels
MIN_SIDE = 32  # pixels of the short side once scaled: less shows nothing and breaks every descriptor
PICTURE_SIDE = 1600  # long side of what the checks see
GRAIN_SIDE = 1024  # sides of the cut at native resolution that forensics look at
DERIVATIVE_SIDE = 2048  # long side of what the buyer gets
ENOUGH = 0.9  # share of a side for which a JPEG decoded at 1/2, 1/4 or 1/8 is taken: three times as quick
DERIVATIVE_QUALITY = 88
MEMORY_BYTES = 1024 * 1024 * 1024  # address space of the child; 50 MP of RGBA is 200 MB
CPU_SECONDS = 10  # a job; an honest 12 MP photo takes well under one
