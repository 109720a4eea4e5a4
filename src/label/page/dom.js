// Elements and words. Names come from files and people: they enter the page as text only.

export const byId = (id) => document.getElementById(id);

// Makes an element: properties that start with `aria-` or `data-`, and `role`, become attributes.
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key === "role" || key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

// A name of which the direction of writing does not spread to its surroundings.
export const bdi = (text, className = "") => el("bdi", { className, textContent: text, title: text });

export const button = (text, onclick, className = "plain") =>
  el("button", { type: "button", className, onclick }, text);

// The text of a button with its key.
export const keyed = (text, key) => [text, el("kbd", { "aria-hidden": "true" }, key)];

export const number = (n) => n.toLocaleString("en");
export const images = (n) => `${number(n)} ${n === 1 ? "image" : "images"}`;

// A share below 1 is never rounded up to 100 %.
export function percent(share, digits = 0) {
  const rounded = Number((100 * share).toFixed(digits));
  const most = digits ? 99.9 : 99;
  return `${(rounded >= 100 && share < 1 ? most : rounded).toFixed(digits)}\u00a0%`;
}

// The last part of a path.
export const base = (path) => path.split(/[/\\]/).filter(Boolean).pop() ?? path;

export function bar(share, className = "") {
  const fill = el("span", { className: "fill" });
  fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  return el("span", { className: `track ${className}`, "aria-hidden": "true" }, fill);
}

// A message of the service, which has names between backticks.
export const coded = (text) =>
  text.split("`").map((part, i, { length }) => (i % 2 && i + 1 < length ? el("code", {}, bdi(part)) : part));

// Moves the focus where the keyboard scrolls, without a frame around the whole view: nobody has gone there.
export function focusQuietly(root) {
  root.classList.add("quiet");
  root.addEventListener("blur", () => root.classList.remove("quiet"), { once: true });
  root.focus();
}
