// What happens around the shutter: a few small frames and what the motion sensors felt, in one file.
//
// The file is a ZIP without compression (000.jpg …, times.json, motion.csv), so that one SHA-256 in the
// signed statement binds all of it. Times are seconds on the clock of `performance.now()`.

const EVERY_MS = 125;
const MAX_FRAMES = 36;

/** Asks for the motion sensors; must be called from a tap (Safari asks the person). */
export async function allowMotion() {
  const ask = globalThis.DeviceMotionEvent?.requestPermission;
  if (ask) await ask.call(globalThis.DeviceMotionEvent).catch(() => "denied");
}

/** Records until stopped: the latest MAX_FRAMES frames of `frame()` (JPEG bytes) and their motion. */
export function recordBurst(frame) {
  const frames = [];
  const motion = feelMotion();
  let taking = null;
  const timer = setInterval(() => { taking ??= take().finally(() => { taking = null; }); }, EVERY_MS);

  async function take() {
    const at = performance.now() / 1000;
    const data = await frame();
    frames.push({ at, data });
    if (frames.length > MAX_FRAMES) frames.shift();
  }

  return {
    /** Ends the recording; gives the file's bytes. */
    async stop() {
      clearInterval(timer);
      const rows = motion.stop();
      await taking;
      if (!frames.length) await take();
      return packed(frames, rows);
    },
  };
}

/** What the motion sensors feel from now on; `stop()` gives rows of [seconds, gx, gy, gz, ax, ay, az], times rising. */
export function feelMotion() {
  const rows = [];
  const felt = ({ rotationRate: turn, accelerationIncludingGravity: pull }) => {
    const at = performance.now() / 1000;
    if (turn?.alpha == null || pull?.x == null || at <= rows.at(-1)?.[0]) return;
    // W3C: alpha about z, beta about x, gamma about y, in degrees a second.
    const gyro = [turn.beta, turn.gamma, turn.alpha].map((rate) => (rate * Math.PI) / 180);
    rows.push([at, ...gyro, pull.x, pull.y, pull.z]);
  };
  window.addEventListener("devicemotion", felt);
  return {
    stop() {
      window.removeEventListener("devicemotion", felt);
      return rows;
    },
  };
}

/** A burst's file without pictures: the motion from half a second before `from` on. Null when nothing was felt. */
export async function packMotion(rows, from) {
  const csv = written(rows.filter(([at]) => at >= from - 0.5), from);
  return csv && zip([["times.json", text("[]")], csv]);
}

function packed(frames, motion) {
  const from = frames[0].at - 0.5;
  const files = frames.map(({ data }, i) => [`${String(i).padStart(3, "0")}.jpg`, new Uint8Array(data)]);
  files.push(["times.json", text(JSON.stringify(frames.map(({ at }) => Number((at - from).toFixed(4)))))]);
  const csv = written(motion.filter(([at]) => at >= from), from);
  return zip(csv ? [...files, csv] : files);
}

function written(rows, from) {
  if (rows.length < 2) return null;
  const lines = rows.map(([at, ...felt]) => [(at - from).toFixed(4), ...felt.map((value) => value.toFixed(5))].join(","));
  return ["motion.csv", text(["t,gx,gy,gz,ax,ay,az", ...lines, ""].join("\n"))];
}

const text = (value) => new TextEncoder().encode(value);

/** A ZIP archive of [name, bytes] pairs, stored as they are (APPNOTE 4.3: local headers, directory, end). */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, data] of files) {
    const label = new TextEncoder().encode(name);
    const about = new DataView(new ArrayBuffer(26));
    about.setUint16(0, 20, true); // version needed: 2.0
    about.setUint16(8, 0x21, true); // 1980-01-01, the least date there is
    about.setUint32(10, crc32(data), true);
    about.setUint32(14, data.length, true);
    about.setUint32(18, data.length, true);
    about.setUint16(22, label.length, true);
    parts.push(bytes32(0x04034b50), about.buffer, label, data);
    const tail = new DataView(new ArrayBuffer(14));
    tail.setUint32(10, offset, true);
    directory.push(bytes32(0x02014b50), new Uint8Array([20, 0]), about.buffer, tail.buffer, label);
    offset += 4 + 26 + label.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.byteLength, 0);
  const end = new DataView(new ArrayBuffer(18));
  end.setUint16(4, files.length, true);
  end.setUint16(6, files.length, true);
  end.setUint32(8, size, true);
  end.setUint32(12, offset, true);
  return new Blob([...parts, ...directory, bytes32(0x06054b50), end.buffer]).arrayBuffer();
}

function bytes32(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, true);
  return view.buffer;
}

function crc32(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (crc ^ -1) >>> 0;
}
