// A film of the live camera: one take, recorded by the browser itself, and what the motion sensors felt meanwhile.
//
// Sound is not recorded: the camera's stream has none. The motion's seconds count from the film's first moment.

import { feelMotion, packMotion } from "./burst.js";

/** Seconds a film must last, and may last. */
export const FILM_SECONDS = { least: 5, most: 20 };
const BITS_PER_SECOND = 5_000_000;
const PIECE_MS = 1000;
const FORMS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** Starts filming; `stop()` gives { media: ArrayBuffer, mediaType, burst: ArrayBuffer or null }. */
export function startFilm(stream) {
  const form = FORMS.find((name) => globalThis.MediaRecorder?.isTypeSupported(name));
  if (!form) throw refused("NotSupported", "This browser cannot record a video. Use another one, or a newer version.");
  const recorder = new MediaRecorder(stream, { mimeType: form, videoBitsPerSecond: BITS_PER_SECOND });
  const motion = feelMotion();
  const pieces = [];
  let failed = null;
  let from = performance.now() / 1000;
  recorder.onstart = () => { from = performance.now() / 1000; };
  recorder.ondataavailable = ({ data }) => { if (data.size) pieces.push(data); };
  recorder.onerror = ({ error }) => { failed = error; };
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start(PIECE_MS);

  return {
    /** Seconds filmed so far. */
    get seconds() {
      return performance.now() / 1000 - from;
    },

    /** Ends the take. */
    async stop() {
      if (recorder.state !== "inactive") recorder.stop();
      await ended;
      const rows = motion.stop();
      if (failed || !pieces.length) throw refused("CameraFailed", "The phone could not record the video. Close other apps that use the camera, then try again.");
      const media = await new Blob(pieces).arrayBuffer();
      return { media, mediaType: form.split(";")[0], burst: await packMotion(rows, from) };
    },

    /** Ends it and throws it away. */
    drop() {
      motion.stop();
      if (recorder.state !== "inactive") recorder.stop();
    },
  };
}

function refused(code, detail) {
  return Object.assign(new Error(detail), { code, detail, hint: "" });
}
