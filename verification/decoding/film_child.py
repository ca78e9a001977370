"""The sandboxed process that touches hostile films: `python -m verification.decoding.film_child`.

Locked in as `verification.decoding.child`, but another process, so that FFmpeg's hundred decoders never stand
beside the bytes of a photograph; and it may start threads, for one core cannot decode what a phone films.

Requests: {"op": "watch"} with the film as body; {"op": "veil", "veils": ...} with the copy that this made.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import av.logging
from av.video.reformatter import VideoReformatter

from verification.decoding import anew, films, limits
from verification.decoding.child import Operations, Reply, serve
from verification.decoding.refusal import Refused
from verification.decoding.repack import FORMS, Copy, repacked

_WARM = Path(__file__).with_name("warm")  # a second and a half of a moving square in each codec


def watch(data: bytes, header: dict[str, Any]) -> Reply:
    """The buyer's copy of a film, and all that the checks see of it: facts as JSON, pictures as bytes.

    The body, one behind another: the copy, the chain's heads (32 bytes a packet), thumbnails, even frames,
    stills, the key, its grain.
    """
    container, track, form = films.opened(data)
    with container:
        codec = track.codec_context
        facts = {
            "format": form,
            "media_type": FORMS[form][2],
            "codec": codec.name,
            "profile": str(codec.profile or ""),
            "width": codec.width,
            "height": codec.height,
            "audio": len(container.streams.audio),
            "tags": films.tags(container, track),
            "said_seconds": films.seconds(container.duration / av.time_base if container.duration else None),
        }
        copy = repacked(container, track, form)
    kept = films.watch(copy, limits.FILM_THREADS, timed=facts["said_seconds"] is not None)
    length, frames = kept.times[-1], len(kept.times)
    least, _ = limits.FILM_SECONDS
    if length < least:
        raise Refused("too_short")
    if (frames - 1) / length > limits.FILM_FPS:
        raise Refused("too_many_frames")
    return _told(kept, copy, facts)


def _told(kept: films.Kept, copy: Copy, facts: dict[str, Any]) -> Reply:
    if kept.key is None:
        raise Refused("broken")
    at, frame = kept.key
    key = films.picture(frame, limits.PICTURE_SIDE, VideoReformatter())
    cut, grain = films.grain(frame)
    even, stills = [image for _, image in kept.even], [image for _, image in kept.stills]
    facts |= {
        "times": kept.times,
        "repeats": kept.repeats,
        "packets": copy.packets,
        "even": [t for t, _ in kept.even],
        "stills": [t for t, _ in kept.stills],
        "key": at,
        "grain": cut,
        "rotation": kept.rotation,
        "shapes": [[image.height, image.width] for image in (even[0], stills[0], key)],
    }
    facts["copied"] = copy.file.seek(0, io.SEEK_END)  # the rest goes behind it: 200 MB are held once
    copy.file.write(copy.heads)
    for part in (*kept.thumbs, *(image.tobytes() for image in (*even, *stills, key)), grain):
        copy.file.write(part)
    return {"ok": True, **facts}, copy.file.getbuffer()


def veil(data: bytes, header: dict[str, Any]) -> Reply:
    """The buyer's copy of a film with faces or plates: what lies in `header["veils"]` is unknowable in it."""
    file, width, height = anew.film(data, header["veils"], limits.FILM_THREADS)
    return {"ok": True, "media_type": FORMS["MP4"][2], "width": width, "height": height}, file.getbuffer()


OPERATIONS: Operations = {"watch": watch, "veil": veil}


def _warm_up() -> None:
    """Watches and veils a small film of each codec, so that nothing needs loading later; no thread may be
    left over (`child.serve` looks)."""
    av.logging.set_level(None)
    for path in sorted(_WARM.iterdir()):
        watch(path.read_bytes(), {})
        veil(path.read_bytes(), {"veils": [[0, 1, 0, 0, 1, 1, 0, 0, 1, 1]]})


if __name__ == "__main__":
    serve(OPERATIONS, _warm_up, threads=True)
