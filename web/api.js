// Talking to the market. Every error comes out as a Problem: code and hint for people, `again` for retries.

/** An error answer (RFC 9457), or no answer at all (code "Offline"). */
export class Problem extends Error {
  constructor({ status = 0, code = "Offline", detail = "no answer", hint = "", requestId = "", retryAfter = 0 } = {}) {
    super(detail);
    Object.assign(this, { status, code, detail, hint, requestId, retryAfter });
  }

  /** Whether the same request may succeed later. */
  get again() {
    return this.status === 0 || this.status >= 500 || [408, 425, 429].includes(this.status);
  }

  /** A plain copy for the store. */
  plain() {
    const { status, code, detail, hint, requestId } = this;
    return { status, code, detail, hint, requestId };
  }
}

let secret = null;
let ahead = 0; // milliseconds the server's clock is ahead of this phone's

/** Sets the key that later calls carry. */
export function useSecret(value) {
  secret = value;
}

/** The server's time as this phone can best tell, in milliseconds: for countdowns, never for evidence. */
export const serverNow = () => Date.now() + ahead;

/** A fresh idempotency key: one a logical call, kept over retries. */
export const newKey = () => crypto.randomUUID();

/** Calls the market and returns the JSON answer. Throws a Problem. */
export async function call(method, path, { body, key } = {}) {
  const headers = { Accept: "application/json" };
  if (secret) headers.Authorization = `Bearer ${secret}`;
  if (method === "POST") headers["Idempotency-Key"] = key ?? newKey();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(30000),
      cache: "no-store",
    });
  } catch {
    throw new Problem();
  }
  setClock(response.headers.get("Date"));
  const text = await response.text().catch(() => { throw new Problem(); });
  if (!response.ok) throw toProblem(response.status, text, response.headers.get("Retry-After"));
  return text ? JSON.parse(text) : null;
}

/** Sends bytes with progress (0..1). XMLHttpRequest, because fetch tells no upload progress. */
export function put(path, bytes, mediaType, key, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.setRequestHeader("Content-Type", mediaType);
    request.setRequestHeader("Idempotency-Key", key);
    if (secret) request.setRequestHeader("Authorization", `Bearer ${secret}`);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = request.ontimeout = request.onabort = () => reject(new Problem());
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(toProblem(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    request.timeout = Math.max(300000, bytes.byteLength / 50); // at 50 kB a second
    request.send(bytes);
  });
}

function toProblem(status, text, retryAfter) {
  let body = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // an answer that is not ours, such as a proxy's error page: its status is all it says
  }
  return new Problem({
    status,
    code: body.code ?? `Http${status}`,
    detail: typeof body.detail === "string" ? body.detail : `the server answered ${status}`,
    hint: body.hint ?? "",
    requestId: body.request_id ?? "",
    retryAfter: Number(body.facts?.retry_after ?? retryAfter) || 0,
  });
}

function setClock(date) {
  const theirs = Date.parse(date ?? "");
  // The header has whole seconds, so half a second is the best guess; small differences are not worth a jump.
  if (Number.isFinite(theirs) && Math.abs(theirs + 500 - Date.now() - ahead) > 1500) ahead = theirs + 500 - Date.now();
}
