"use strict";
const $ = (id) => document.getElementById(id);
const AT_ONCE = 4;
const TRIES = 5;
const waiting = [];
let running = 0, done = 0, total = 0;

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function loadModels() {
  const reply = await fetch("v1/models", { headers: headers() });
  $("access").hidden = reply.status !== 401;
  if (reply.status === 401) { $("token").focus(); return false; }
  const { models } = await reply.json();
  $("model").replaceChildren(...models.map((model) => {
    const many = models.filter((other) => other.name === model.name).length > 1;
    const option = new Option(many ? `${model.name}, version ${model.version}` : model.name);
    option.value = JSON.stringify([model.name, model.version]);
    return option;
  }));
  $("model-choice").hidden = models.length < 2;
  return true;
}

function add(files) {
  for (const file of files) {
    const card = $("card").content.firstElementChild.cloneNode(true);
    card.querySelector(".name bdi").textContent = file.name;
    const img = card.querySelector("img");
    img.onload = () => { img.hidden = false; URL.revokeObjectURL(img.src); };
    img.onerror = () => URL.revokeObjectURL(img.src);
    img.src = URL.createObjectURL(file);
    $("results").prepend(card);
    waiting.push([file, card]);
    total += 1;
  }
  next();
}

function next() {
  $("status").textContent = total ? `${done} of ${total} pictures classified` : "";
  while (running < AT_ONCE && waiting.length) {
    const [file, card] = waiting.shift();
    running += 1;
    classify(file).then((result) => show(card, result), (error) => show(card, { status: "error", error: error.message }))
      .finally(() => { running -= 1; done += 1; next(); });
  }
}

async function classify(file) {
  const [model, version] = JSON.parse($("model").value || "[]");
  const query = new URLSearchParams({ nearest: 5, ...(model && { model, version }) });
  for (let tries = 1; ; tries += 1) {
    const type = { "Content-Type": "application/octet-stream" };
    const reply = await fetch(`v1/classify?${query}`, { method: "POST", headers: { ...headers(), ...type }, body: file });
    const body = await reply.json();
    if (body.results) return body.results[0];
    if (reply.status === 401) $("access").hidden = false;
    if (reply.status !== 503 || tries === TRIES) throw new Error(body.error);
    await new Promise((wake) => setTimeout(wake, 1000 * (Number(reply.headers.get("Retry-After")) || 1)));
  }
}

function show(card, result) {
  const label = card.querySelector(".label bdi");
  if (result.status !== "ok") {
    card.classList.add("error");
    label.textContent = result.error;
    return;
  }
  label.textContent = result.label;
  const reason = card.querySelector(".reason");
  card.classList.toggle("unknown", Boolean(result.reason));
  reason.hidden = !result.reason;
  reason.textContent = result.reason || "";
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
  if (!reply.ok) return;
  img.onload = () => { img.hidden = false; URL.revokeObjectURL(img.src); };
  img.src = URL.createObjectURL(await reply.blob());
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
  loadModels();
});
loadModels().catch(() => { $("status").textContent = "The server does not answer."; });
