"use strict";
const $ = (id) => document.getElementById(id);
const AT_ONCE = 4;
const TRIES = 5;
const waiting = [];
let running = 0, good = 0, bad = 0, total = 0;

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function loadModels() {
  const reply = await fetch("v1/models", { headers: headers() });
  $("access").hidden = reply.status !== 401;
  if (reply.status === 401) {
    if (sessionStorage.getItem("token")) $("status").textContent = "The server refuses this token.";
    $("token").focus();
    return;
  }
  $("status").textContent = "";
  const { models } = await reply.json();
  $("model").replaceChildren(...models.map((model) => {
    const many = models.filter((other) => other.name === model.name).length > 1;
    const option = new Option(many ? `${model.name}, version ${model.version}` : model.name);
    option.value = JSON.stringify([model.name, model.version]);
    return option;
  }));
  $("model-choice").hidden = models.length < 2;
}

function add(files) {
  const cards = [...files].map((file) => {
    const card = $("card").content.firstElementChild.cloneNode(true);
    const chosen = $("model-choice").hidden ? "" : ` – ${$("model").selectedOptions[0].text}`;
    card.querySelector(".name bdi").textContent = file.name + chosen;
    draw(card.querySelector("img"), file);
    waiting.push([file, $("model").value, card]);
    return card;
  });
  $("results").prepend(...cards);
  total += cards.length;
  next();
}

// The browser may not know the format.
function draw(img, blob) {
  img.onload = () => { img.hidden = false; URL.revokeObjectURL(img.src); };
  img.onerror = () => URL.revokeObjectURL(img.src);
  img.src = URL.createObjectURL(blob);
}

function next() {
  const pictures = `${total} ${total === 1 ? "picture" : "pictures"}`;
  const ended = `${good} of ${pictures} classified${bad ? `, ${bad} failed` : ""}`;
  if (total) $("status").textContent = ended;
  while (running < AT_ONCE && waiting.length) {
    const [file, model, card] = waiting.shift();
    running += 1;
    classify(file, model)
      .then((result) => show(card, result), (error) => fail(card, error.message))
      .finally(() => { running -= 1; next(); });
  }
}

async function classify(file, chosen) {
  const [model, version] = JSON.parse(chosen || "[]");
  const query = new URLSearchParams({ nearest: 5, ...(model && { model, version }) });
  for (let tries = 1; ; tries += 1) {
    const type = { "Content-Type": "application/octet-stream" };
    const sent = fetch(`v1/classify?${query}`, { method: "POST", headers: { ...headers(), ...type }, body: file });
    const reply = await sent.catch(() => { throw new Error("The file cannot be read, or the server does not answer."); });
    const body = await reply.json();
    if (body.results) return body.results[0];
    if (reply.status === 401) $("access").hidden = false;
    if (reply.status !== 503 || tries === TRIES) throw new Error(`The server refuses it: ${body.error}.`);
    await new Promise((wake) => setTimeout(wake, 1000 * (Number(reply.headers.get("Retry-After")) || 1)));
  }
}

function fail(card, why) {
  bad += 1;
  card.classList.add("error");
  say(card, "not classified", why);
}

function say(card, label, reason) {
  card.querySelector(".label bdi").textContent = label;
  card.querySelector(".reason").hidden = !reason;
  card.querySelector(".reason").textContent = reason || "";
}

function show(card, result) {
  if (result.status !== "ok") { fail(card, `The picture ${result.error}.`); return; }
  good += 1;
  card.classList.toggle("rejected", Boolean(result.reason));
  say(card, result.label, result.reason);
  card.querySelector(".bars").replaceChildren(...(result.top || []).map(({ label, probability }) => {
    const bar = $("bar").content.firstElementChild.cloneNode(true);
    bar.querySelector(".class").textContent = label;
    bar.querySelector(".fill").style.width = `${100 * probability}%`;
    bar.querySelector(".share").textContent = `${(100 * probability).toFixed(1)} %`;
    return bar;
  }));
  near(card, result.nearest || []);
}

function near(card, images) {
  card.querySelector(".nearest").hidden = !images.length;
  card.querySelector(".nearest ul").replaceChildren(...images.map(({ name, label, similarity, thumbnail }) => {
    const item = $("near").content.firstElementChild.cloneNode(true);
    item.querySelector(".class").textContent = label ?? name;
    item.querySelector(".share").textContent = similarity.toFixed(3);
    item.title = name;
    if (thumbnail) picture(item.querySelector("img"), thumbnail.slice(1));
    return item;
  }));
}

async function picture(img, path) {
  const reply = await fetch(path, { headers: headers() });
  if (reply.ok) draw(img, await reply.blob());
}

for (const id of ["files", "camera"]) {
  $(id).addEventListener("change", (event) => { add(event.target.files); event.target.value = ""; });
}
document.addEventListener("paste", (event) => add(event.clipboardData.files));
document.addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
document.addEventListener("dragleave", () => $("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  add(event.dataTransfer.files);
});
$("access").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value.trim());
  start();
});
function start() {
  loadModels().catch(() => { $("status").textContent = "The server does not answer."; });
}
start();
