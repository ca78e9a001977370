// The phone's signing key: ES256, made here, not extractable: not even this page can read it out.

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const utf8 = new TextEncoder();

/** A new key pair whose private half can sign and nothing else. */
export const makeKeys = () => crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);

export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Base64url without padding. */
export function b64u(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The public half (DER SubjectPublicKeyInfo) and the proof that the private half is here. */
export async function enrolment(keys) {
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  return { public_key: b64u(spki), proof: await sign(keys, "spotcheck-enrol-v1\n", await sha256(spki)) };
}

/** The commitment to a statement's exact text: its SHA-256 in hex, and the signature over it. */
export async function commit(keys, statement) {
  const digest = await sha256(utf8.encode(statement));
  return { commitment: hex(digest), signature: await sign(keys, "spotcheck-statement-v1\n", digest) };
}

async function sign(keys, prefix, bytes) {
  const message = new Uint8Array([...utf8.encode(prefix), ...bytes]);
  return b64u(await crypto.subtle.sign(SIGNING, keys.privateKey, message));
}
