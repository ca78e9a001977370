// Building the page. Server text only ever becomes a text node here: there is no innerHTML in this app.

/**
 * An element. `props` are attributes, or `on<Event>` listeners; null, undefined and false are left out.
 * Children are elements, or anything else, which is written as text; null and false are left out.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...written(children));
  return element;
}

/** Puts new children in an element's place of old ones. */
export function fill(element, ...children) {
  element.replaceChildren(...written(children));
  return element;
}

function written(children) {
  const kept = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  return kept.map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Says a short sentence to people who listen to the page. */
export function announce(sentence) {
  const status = document.getElementById("status");
  status.textContent = "";
  requestAnimationFrame(() => { status.textContent = sentence; });
}
