// Where the phone is: one watch, shared by whoever asks, off when nobody does.

const listeners = new Set();
let watch = null;
let latest = { fix: null, refused: "" };

const REFUSALS = {
  1: "Location is switched off for this page. Allow it in the browser's site settings, then reload.",
  2: "The phone cannot find its location yet. Go outdoors or near a window.",
  3: "Finding your location takes long. Go outdoors or near a window.",
};

/** The last fix { lat, lon, accuracy, at } (metres, milliseconds), or null. */
export const lastFix = () => latest.fix;

/** Whether a fix is recent enough to go with a photo. */
export const isFresh = (fix) => fix !== null && Date.now() - fix.at < 60000;

/** Calls `listener({ fix, refused })` now and on each change. Returns a function that stops it. */
export function watchPlace(listener) {
  listeners.add(listener);
  listener(latest);
  if (watch === null) start();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && watch !== null) {
      navigator.geolocation.clearWatch(watch);
      watch = null;
    }
  };
}

function start() {
  if (!("geolocation" in navigator)) {
    tell({ fix: null, refused: "This browser cannot tell your location." });
    return;
  }
  watch = navigator.geolocation.watchPosition(
    ({ coords }) => {
      const fix = { lat: coords.latitude, lon: coords.longitude, accuracy: coords.accuracy, at: Date.now() };
      tell({ fix, refused: "" });
    },
    (error) => tell({ fix: latest.fix, refused: REFUSALS[error.code] ?? "Your location could not be read." }),
    { enableHighAccuracy: true, maximumAge: 5000, timeout: 30000 },
  );
}

function tell(now) {
  latest = now;
  for (const listener of listeners) listener(now);
}
