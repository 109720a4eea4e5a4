// What is said after an action: shown for a while, and read by screen readers.
import { byId, coded } from "./dom.js";

let hide = 0;

function show(text, bad) {
  const said = byId("said");
  clearTimeout(hide);
  // The same text a second time would not be read again.
  said.replaceChildren(...coded(text), said.dataset.text === text ? "\u00a0" : "");
  said.dataset.text = said.dataset.text === text ? "" : text;
  said.classList.toggle("bad", bad);
  said.classList.add("shown");
  hide = setTimeout(() => said.classList.remove("shown"), bad ? 12000 : 5000);
}

export const say = (text) => show(text, false);
export const complain = (text) => show(text, true);
