// What this phone keeps (IndexedDB): who it is, and every capture until it is judged. A reload loses nothing.

/** Fires "captures" whenever a capture changed. */
export const changes = new EventTarget();

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("spotcheck", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("self");
      request.result.createObjectStore("captures", { keyPath: "claim" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function within(name, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, mode);
    let result;
    work(transaction.objectStore(name), (value) => { result = value; });
    transaction.oncomplete = () => resolve(result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

const reading = (name, ask) =>
  within(name, "readonly", (store, give) => { ask(store).onsuccess = (event) => give(event.target.result); });

/** { keys, secret, account, device, scopes } or undefined before enrolment. */
export const getSelf = () => reading("self", (store) => store.get("self"));

export const putSelf = (self) => within("self", "readwrite", (store) => store.put(self, "self"));

export const getCapture = (claim) => reading("captures", (store) => store.get(claim));

/** All captures, newest claim first. */
export async function allCaptures() {
  const found = await reading("captures", (store) => store.getAll());
  return found.sort((a, b) => (a.claim < b.claim ? 1 : -1));
}

export async function addCapture(capture) {
  await within("captures", "readwrite", (store) => store.put(capture));
  changes.dispatchEvent(new Event("captures"));
}

/** Changes fields of a capture in one transaction, so that the sender and the page never undo each other. */
export async function amend(claim, patch) {
  const after = await within("captures", "readwrite", (store, give) => {
    store.get(claim).onsuccess = (event) => {
      if (!event.target.result) return;
      const changed = { ...event.target.result, ...patch };
      store.put(changed);
      give(changed);
    };
  });
  changes.dispatchEvent(new Event("captures"));
  return after;
}

export async function dropCapture(claim) {
  await within("captures", "readwrite", (store) => store.delete(claim));
  changes.dispatchEvent(new Event("captures"));
}

/** Forgets who this phone is (after the server said it does not know it). Captures are kept. */
export const dropSelf = () => within("self", "readwrite", (store) => store.delete("self"));
