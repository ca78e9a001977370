// The live camera. There is no other way to bring a picture in: no file picker, no gallery, no drop.

import { recordBurst } from "./burst.js";
import { startFilm } from "./film.js";

const WANTED = {
  photo: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1440 } },
  video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
};
const BURST_SIDE = 640;
const REFUSALS = {
  NotAllowedError: "The camera is switched off for this page. Allow it in the browser's site settings, then try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "Another app is using the camera. Close it, then try again.",
};

let stream = null;

/** Shows the live camera in a <video>. One stream is kept, because some phones ask again for each; `kind`: "photo" or "video". */
export async function openCamera(video, kind = "photo") {
  if (!navigator.mediaDevices?.getUserMedia) throw refused("NotSupported", "This browser cannot open the camera here. Use https.");
  if (!stream?.getVideoTracks().some((track) => track.readyState === "live")) {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: WANTED[kind], audio: false });
    } catch (error) {
      throw refused(error.name, REFUSALS[error.name] ?? "The camera could not be opened.");
    }
  }
  video.srcObject = stream;
  await video.play();
}

/** Lets the camera go. */
export function closeCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
}

/** The frame on show, as JPEG bytes, with a small one for lists. */
export async function shoot(video) {
  if (!video.videoWidth) throw refused("CameraNotReady", "The camera is not ready yet.");
  const photo = await jpeg(video, video.videoWidth, video.videoHeight, 0.92);
  const scale = 320 / video.videoWidth;
  const thumb = await jpeg(video, 320, Math.round(video.videoHeight * scale), 0.8);
  return { photo, thumb };
}

/** Frames and motion from now on, until `stop()` gives them as one file (see `burst.js`). */
export function record(video) {
  const scale = Math.min(1, BURST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.round(side * scale));
  return recordBurst(() => jpeg(video, width, height, 0.85));
}

/** Films from now on, until `stop()` gives the film (see `film.js`); `thumb` is a small picture of its beginning. */
export async function film(video) {
  const { thumb } = await shoot(video);
  return Object.assign(startFilm(stream), { thumb });
}

async function jpeg(video, width, height, quality) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(video, 0, 0, width, height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  if (!blob) throw refused("CameraFailed", "The phone could not save the picture. Free some memory and try again.");
  return blob.arrayBuffer();
}

function refused(code, detail) {
  return Object.assign(new Error(detail), { code, detail, hint: "" });
}
