// The question of a bounty, as a form: yes/no, one of several, a whole number, a number with a unit, short text.

import { h } from "./dom.js";

const MAX_TEXT = 500;
let serial = 0;

/** Whether this page can ask for what a schema wants. */
export const canAsk = (schema) => shapeOf(schema) !== null;

/** Whether there is nothing to ask: the photo alone is the answer. */
export const asksNothing = (schema) => ["none", "const"].includes(shapeOf(schema));

/** What a person will have to answer, in words, before they claim. */
export function inWords(schema) {
  const title = schema.title ? `${schema.title}${/[.:?!]$/.test(schema.title) ? "" : ":"} ` : "";
  const choices = choicesOf(schema);
  if (choices) return title + choices.map(([, label]) => label).join(" / ");
  const unit = unitOf(schema);
  const words = {
    none: "No question, the photo is enough",
    integer: `a whole number${unit && ` (${unit})`}`,
    number: `a number${unit && ` (${unit})`}`,
    string: "a few words",
    object: `${Object.keys(schema.properties ?? {}).length} short questions`,
  };
  return title + (words[shapeOf(schema)] ?? "a question this page cannot ask");
}

/**
 * The form part for a schema: { element, read }. `read()` gives { value } or { fault: "what to correct" }
 * and puts the fault where the person sees it.
 */
export function question(schema, fallback = "Your answer") {
  const shape = shapeOf(schema);
  const label = schema.title ?? fallback;
  if (shape === "none") return { element: null, read: () => ({ value: null }) };
  if (shape === "const") return { element: null, read: () => ({ value: schema.const }) };
  if (shape === "object") return group(schema, label);
  const choices = choicesOf(schema);
  if (choices) return radios(choices, label, schema.description);
  return shape === "string" ? text(schema, label) : numeric(schema, label, shape === "integer");
}

function shapeOf(schema) {
  if (typeof schema !== "object" || schema === null) return null;
  if ("const" in schema) return "const";
  if (choicesOf(schema)) return "choice";
  if (["integer", "number", "string"].includes(schema.type)) return schema.type;
  if (schema.type === "object" && schema.properties) {
    return Object.values(schema.properties).every((part) => !["object", "none", null].includes(shapeOf(part))) ? "object" : null;
  }
  return ["type", "enum", "oneOf", "anyOf", "allOf", "properties", "items"].some((word) => word in schema) ? null : "none";
}

function choicesOf(schema) {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => [value, say(value)]);
  if (Array.isArray(schema.oneOf) && schema.oneOf.every((one) => "const" in one)) {
    return schema.oneOf.map((one) => [one.const, one.title ?? say(one.const)]);
  }
  return schema.type === "boolean" ? [[true, "Yes"], [false, "No"]] : null;
}

const say = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const unitOf = (schema) => schema.unit ?? schema["x-unit"] ?? "";

/** Shared by all: a place for the fault, tied to the control, and a read() that fills it. */
function withFault(element, fault, find) {
  const read = () => {
    const found = find();
    fault.textContent = found.fault ?? "";
    element.classList.toggle("faulty", Boolean(found.fault));
    return found;
  };
  return { element, read };
}

function radios(choices, label, description) {
  const name = `q${(serial += 1)}`;
  const fault = h("p", { class: "fault", id: `${name}-fault`, role: "alert" });
  const inputs = choices.map((_, i) => h("input", { type: "radio", name, id: `${name}-${i}` }));
  const rows = choices.map(([, said], i) => h("label", { class: "choice", for: `${name}-${i}` }, inputs[i], h("span", {}, said)));
  const element = h(
    "fieldset",
    { "aria-describedby": `${name}-fault`, class: choices.length === 2 ? "pair" : null },
    h("legend", {}, label),
    description && h("p", { class: "quiet" }, description),
    h("div", { class: "choices" }, rows),
    fault,
  );
  return withFault(element, fault, () => {
    const chosen = inputs.findIndex((input) => input.checked);
    return chosen < 0 ? { fault: "Please choose one." } : { value: choices[chosen][0] };
  });
}

function labelled(control, id, label, description, unit) {
  const fault = h("p", { class: "fault", id: `${id}-fault`, role: "alert" });
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    description && h("p", { class: "quiet" }, description),
    h("div", { class: "with-unit" }, control, unit && h("span", { class: "unit" }, unit)),
    fault,
  );
  return { element, fault };
}

function numeric(schema, label, whole) {
  const id = `q${(serial += 1)}`;
  const input = h("input", {
    id,
    type: "text",
    inputmode: whole && !(schema.minimum < 0) ? "numeric" : "decimal",
    autocomplete: "off",
    "aria-describedby": `${id}-fault`,
  });
  const { element, fault } = labelled(input, id, label, schema.description, unitOf(schema));
  return withFault(element, fault, () => readNumber(input.value, schema, whole));
}

/** A typed number, with a comma or a point, checked against the schema's limits. */
export function readNumber(typed, schema, whole) {
  const clean = typed.trim().replace(",", ".").replace("\u2212", "-");
  const value = Number(clean);
  if (clean === "" || !/^-?\d*\.?\d+$/.test(clean) || !Number.isFinite(value)) return { fault: "Please enter a number." };
  if (whole && !Number.isInteger(value)) return { fault: "Please enter a whole number." };
  if (value < schema.minimum) return { fault: `At least ${schema.minimum}.` };
  if (value > schema.maximum) return { fault: `At most ${schema.maximum}.` };
  if (value <= schema.exclusiveMinimum) return { fault: `More than ${schema.exclusiveMinimum}.` };
  if (value >= schema.exclusiveMaximum) return { fault: `Less than ${schema.exclusiveMaximum}.` };
  return { value };
}

function text(schema, label) {
  const id = `q${(serial += 1)}`;
  const most = Math.min(schema.maxLength ?? MAX_TEXT, MAX_TEXT);
  const input = h(most > 80 ? "textarea" : "input", { id, maxlength: most, rows: 3, autocomplete: "off", "aria-describedby": `${id}-fault` });
  const { element, fault } = labelled(input, id, label, schema.description, "");
  return withFault(element, fault, () => {
    const value = input.value.trim();
    const least = Math.max(1, schema.minLength ?? 1);
    return value.length < least ? { fault: least > 1 ? `At least ${least} characters.` : "Please write a few words." } : { value };
  });
}

function group(schema, label) {
  const parts = Object.entries(schema.properties).map(([name, part]) => [name, question(part, name)]);
  const element = h("fieldset", { class: "group" }, h("legend", {}, label), parts.map(([, part]) => part.element));
  const read = () => {
    const found = parts.map(([name, part]) => [name, part.read()]);
    const fault = found.find(([, one]) => one.fault);
    return fault ? { fault: fault[1].fault } : { value: Object.fromEntries(found.map(([name, one]) => [name, one.value])) };
  };
  return { element, read };
}
