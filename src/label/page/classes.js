// The classes: a field that completes names and makes new ones, and the list, which labels at a click.
import { bdi, byId, el, number } from "./dom.js";
import { classes, onState } from "./state.js";

// With more classes than this, a name has to be typed.
const SHOWN = 100;

const field = byId("name");
const list = byId("classes");
let options = [];
let active = -1;
let choose = () => {};
let leave = () => {};
let suggested = null;

// The names that match a text, the best first: the class of this name, classes that begin with it, the text
// itself as a new class, and classes that contain it. Enter takes the first, so that a new name is never
// taken for a class that only contains it.
function matching(text) {
  if (!text) return classes();
  const lower = text.toLowerCase();
  const ranked = [
    [],
    [],
    classes().some(({ name }) => name.normalize() === text) ? [] : [{ name: text, isNew: true }],
    [],
  ];
  for (const entry of classes()) {
    const found = entry.name.normalize().toLowerCase().indexOf(lower);
    if (found >= 0) ranked[entry.name.normalize() === text ? 0 : found === 0 ? 1 : 3].push(entry);
  }
  return ranked.flat();
}

function option(name, children, className = "") {
  const made = el(
    "div",
    { role: "option", className, id: `class-${options.length}`, "aria-selected": "false" },
    ...children,
  );
  made.addEventListener("click", () => take(name));
  options.push({ name, made });
  return made;
}

function known({ name, n, key }) {
  const hint = name === suggested;
  return option(
    name,
    [
      el("kbd", { "aria-hidden": "true", className: key ? "" : "none" }, key ?? ""),
      bdi(name),
      el("span", { className: "n" }, hint ? `suggested · ${number(n)}` : number(n)),
    ],
    hint ? "hinted" : "",
  );
}

const fresh = ({ name }) =>
  option(name, [el("kbd", { className: "none" }), el("span", {}, "New class ", bdi(name))], "new");

function draw() {
  const text = field.value.trim().normalize();
  const found = matching(text);
  const hidden = found.length - SHOWN;
  options = [];
  list.replaceChildren(...found.slice(0, SHOWN).map((entry) => (entry.isNew ? fresh(entry) : known(entry))));
  list.hidden = !found.length;
  const more = byId("panel-more");
  more.textContent =
    hidden > 0
      ? `${number(hidden)} more: type a part of the name.`
      : classes().length
        ? ""
        : "Type a name to make the first class.";
  more.hidden = !more.textContent;
  mark(text && options.length ? 0 : -1);
}

function mark(index) {
  options[active]?.made.setAttribute("aria-selected", "false");
  active = index;
  const option = options[active];
  if (!option) return field.removeAttribute("aria-activedescendant");
  option.made.setAttribute("aria-selected", "true");
  option.made.scrollIntoView({ block: "nearest", inline: "nearest" });
  field.setAttribute("aria-activedescendant", option.made.id);
}

function take(name) {
  field.value = "";
  draw();
  leave();
  choose(name);
}

field.addEventListener("input", draw);
field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && options.length) mark((active + step + options.length) % options.length);
  else if (event.key === "Enter" && options[active]) take(options[active].name);
  else if (event.key === "Escape") {
    field.value = "";
    draw();
    leave();
  } else return;
  event.preventDefault();
  event.stopPropagation();
});

// `chosen(name)` is called with a class, `left()` when the field is done.
export function startClasses(chosen, left) {
  choose = chosen;
  leave = left;
  let drawn = "";
  onState((state) => {
    const now = JSON.stringify(state.classes);
    if (now !== drawn) draw();
    drawn = now;
  });
}

export function typeClass() {
  field.focus();
  field.select();
}

// Says what a class would be given to, whether there is an image at all, and which class the classifier would
// choose.
export function aim(text, able, suggestion = null) {
  for (const id of ["enlarge", "similars", "leave-out", "unlabel"]) byId(id).disabled = !able;
  const target = byId("target");
  if (target.textContent !== text) target.textContent = text;
  if (suggestion !== suggested) {
    suggested = suggestion;
    draw();
  }
}
