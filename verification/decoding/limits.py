"""What an image and a film may be. One table, read by the children and by their parent."""

from __future__ import annotations

FORMATS = ("JPEG", "PNG", "WEBP")  # told apart by Pillow; the others by `heif.form_of`
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIC": "image/heic",
    "AVIF": "image/avif",
}
ALSO_HEIC = "image/heif"  # what some phones call it when they upload
MAX_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 50_000_000  # Pillow itself only warns until 178,956,970
MAX_SCANS = 100  # of a JPEG: progressive ones have about ten; each further one costs a pass over all pixels
MAX_PARTS = 1000  # of a HEIC or AVIF: a phone's 48 megapixels are 192 tiles and a few items more
MIN_SIDE = 32  # pixels of the short side once scaled: less shows nothing and breaks every descriptor
PICTURE_SIDE = 1600  # long side of what the checks see
GRAIN_SIDE = 1024  # sides of the cut at native resolution that forensics look at
DERIVATIVE_SIDE = 2048  # long side of what the buyer gets
ENOUGH = 0.9  # share of a side for which a JPEG decoded at 1/2, 1/4 or 1/8 is taken: three times as quick
DERIVATIVE_QUALITY = 88
KEPT_PIXELS = 13_000_000  # a picture with more of them, once decoded, is decoded again for the buyer's copy
MEMORY_BYTES = 1024 * 1024 * 1024  # address space of the child; 50 MP of RGBA is 200 MB
CPU_SECONDS = 10  # a job; an honest 12 MP photo takes well under one

# A frame of a burst. Pages send 640 pixels; a whole photograph of a phone, 12 megapixels, is taken too.
FRAME_PIXELS = 13_000_000
FRAME_SCANS = 20
FRAME_CPU_SECONDS = 4  # a 12 MP HEIC takes 0.7
# All frames of a burst together: 64 of 640 pixels take 0.2 s. Large files may take long (64 HEICs of 12 MP,
# 280 MB, take 46 s), but not small ones (made for it, 7 MB could take ten minutes).
BURST_CPU_SECONDS = 10.0
BURST_CPU_SECONDS_A_MIB = 1.0

# A film. Asked for are 5 to 20 s; a recorder that was a little early or late is not refused for it.
FILM_BYTES = 200 * 1000 * 1000
FILM_SECONDS = (1.0, 25.0)
FILM_FPS = 60.5  # frames a second over the whole film: clocks of phones run a little fast
FILM_SIDES = (3840, 2160)  # the long and the short one
FILM_CODECS = {"MP4": ("h264", "hevc"), "WEBM": ("vp8", "vp9")}
FILM_FRAMES = 64  # what the checks of bursts see, evenly over the film
FILM_FRAME_SIDE = 640
FILM_STILLS = 40  # quiet moments, with
FILM_STILL_SIDE = 960
FILM_VEILED_SIDE = 1280  # of the buyer's copy where faces are veiled in it
FILM_THUMB = (64, 36)  # of every frame
FILM_MEMORY_BYTES = 1280 * 1024 * 1024  # 200 MB of 3840 x 2160, their copy and the decoder take 1.1 GiB
# A job. 20 s of 1080p take about five to watch, to veil half as much again; 25 s at 60 frames a second thrice
# that, and on a busy machine all of it twice.
FILM_CPU_SECONDS = 90
FILM_THREADS = 4  # that decode one film: with as many as cores one waits while frames are looked at
FILM_WALL_SECONDS = 90.0
