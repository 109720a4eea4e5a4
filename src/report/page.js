"use strict";
// The page's script: filters for the images, dialogs for a list and for an image. Names are inserted as text.
(() => {
  const { photos, rest: { classes, training } } = JSON.parse(document.getElementById("data").textContent);
  // Tiles added at first and with each "Show more". Few at first, so that the sections below stay within reach.
  const FIRST = innerWidth < 600 ? 24 : 70, MORE = 280;
  const MARKS = { right: "✓", wrong: "✗", unknown: "?" };
  const byId = (id) => document.getElementById(id);

  // The thumbnails of the evaluated images are in the gallery for browsers without scripts.
  const gallery = document.querySelector("#images noscript").textContent;
  for (const [, number, jpeg] of gallery.matchAll(/<img data-photo="(\d+)" src="data:image\/jpeg;base64,([^"]*)"/g)) {
    photos[number].jpeg = jpeg;
  }

  photos.forEach((photo) => {
    const right = photo.truth === photo.predicted;
    photo.state = photo.unknown ? "unknown" : right ? "right" : "wrong";
    photo.lower = photo.path.toLowerCase();
    photo.confidence = photo.top.length ? photo.top[0][1] : 0;
    if (photo.other) {
      const otherRight = photo.truth === photo.other[0];
      photo.heads = right ? (otherRight ? "both" : "first") : otherRight ? "second" : "neither";
    }
  });

  function element(name, className, ...children) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  // A share below 1 is never rounded up to 100 %.
  function percent(share) {
    const rounded = Math.round(100 * share);
    return `${rounded >= 100 && share < 1 ? 99 : rounded}\u00a0%`;
  }

  function picture(item) {
    if (!item.jpeg) return element("span", "placeholder", element("bdi", "", item.path.split("/").pop()));
    const image = element("img");
    image.decoding = "async";
    image.alt = item.path;
    image.src = "data:image/jpeg;base64," + item.jpeg;
    return image;
  }

  function said(photo) {
    return photo.unknown ? "unknown" : classes[photo.predicted];
  }

  function truthShare(photo) {
    return photo.top.find(([index]) => index === photo.truth)?.[1] ?? 0;
  }

  function counted(n) {
    return `${n.toLocaleString("en")} ${n === 1 ? "image" : "images"}`;
  }

  function tileLine(className, before, name, share) {
    return element("span", className, element("b", "", before, element("bdi", "", name)), element("span", "share", share));
  }

  function tile(photo, list) {
    const made = element("button", "tile", picture(photo));
    made.type = "button";
    made.dataset.state = photo.state;
    made.title = photo.path;
    // The probability belongs to the most probable class: "unknown" has none.
    made.append(tileLine("said", `${MARKS[photo.state]} `, said(photo), photo.unknown ? "" : percent(photo.confidence)));
    if (photo.unknown) made.append(tileLine("is", "maybe ", classes[photo.predicted], percent(photo.confidence)));
    if (photo.state !== "right") made.append(tileLine("is", "true: ", classes[photo.truth], percent(truthShare(photo))));
    if (photo.doubted) made.append(doubt());
    made.addEventListener("click", () => openPhoto(photo, list));
    return made;
  }

  // Copies paths, one a line. A page that was opened from a file may not be allowed to use the clipboard directly.
  async function copyPaths(list, button) {
    const text = list.map((photo) => photo.path + "\n").join("");
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = element("textarea");
      field.value = text;
      button.after(field);
      field.select();
      copied = document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = copied ? `Copied ${list.length.toLocaleString("en")}` : "Copying is not allowed";
  }

  // A grid that adds its tiles in chunks.
  function grid(root) {
    const tiles = root.querySelector(".tiles"), more = root.querySelector(".more"), copy = root.querySelector(".copy");
    let list = [], made = 0;
    function grow() {
      const next = list.slice(made, made + (made ? MORE : FIRST));
      tiles.append(...next.map((photo) => tile(photo, list)));
      made += next.length;
      more.hidden = made >= list.length;
    }
    more.addEventListener("click", () => {
      const first = made;
      grow();
      tiles.children[first]?.focus();
    });
    copy.addEventListener("click", () => copyPaths(list, copy));
    return (photos) => {
      list = photos;
      made = 0;
      copy.textContent = "Copy paths";
      copy.disabled = !list.length;
      tiles.replaceChildren();
      grow();
    };
  }

  const ORDERS = {
    worst: null,
    confidence: (a, b) => a.confidence - b.confidence,
    path: (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0),
  };
  const form = document.querySelector("form.filters"), counter = document.querySelector("#images .count");
  const showAll = grid(byId("images"));

  function filter() {
    const outcome = form.elements.outcome.value, text = byId("path").value.toLowerCase();
    const truth = byId("truth").value, predicted = byId("predicted").value, heads = byId("heads")?.value ?? "";
    const found = photos.filter((photo) =>
      (outcome === "all" || photo.state === outcome)
      && (truth === "" || photo.truth === Number(truth))
      && (predicted === "" || photo.predicted === Number(predicted))
      && (heads === "" || photo.heads === heads)
      && (text === "" || photo.lower.includes(text)));
    const order = ORDERS[byId("order").value];
    if (order) found.sort(order);
    counter.textContent = `${found.length.toLocaleString("en")} of ${counted(photos.length)}`;
    showAll(found);
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());

  const showList = grid(byId("cell"));
  function openList(title, found) {
    byId("cell-title").textContent = `${title}: ${counted(found.length)}`;
    showList(found);
    byId("cell").showModal();
  }

  function openCell(truth, predicted) {
    const what = truth === predicted ? "predicted correctly" : `predicted as ${classes[predicted]}`;
    openList(`${classes[truth]} ${what}`, photos.filter((photo) => photo.truth === truth && photo.predicted === predicted));
  }

  function doubt() {
    return byId("marks").content.querySelector(".tag").cloneNode(true);
  }

  function bar(share) {
    const svg = byId("marks").content.firstElementChild.cloneNode(true);
    // A share above 0 can be seen.
    svg.querySelector(".p").setAttribute("width", share > 0 ? Math.max(1, 100 * share) : 0);
    return svg;
  }

  function probabilities(photo) {
    const list = element("dl", "probabilities");
    for (const [index, share] of photo.top) {
      list.append(element("div", index === photo.truth ? "truth" : "",
        element("dt", "", element("bdi", "", classes[index])), element("dd", "", bar(share), element("span", "", percent(share)))));
    }
    return list;
  }

  function neighbours(photo) {
    const list = element("ul", "neighbours");
    for (const [index, similarity] of photo.near) {
      const near = training[index];
      const item = element("li", "", picture(near),
        element("span", near.class === classes[photo.truth] ? "same" : "other", element("bdi", "", near.class)),
        element("span", "similarity", similarity.toFixed(2)));
      if (near.doubted) item.append(doubt());
      item.title = near.path;
      list.append(item);
    }
    return list;
  }

  // The list that the open image belongs to, and its place there.
  let around = [], place = 0;
  function openPhoto(photo, list) {
    around = list;
    place = list.indexOf(photo);
    showPhoto();
    byId("photo").showModal();
  }

  function step(by) {
    place = (place + by + around.length) % around.length;
    showPhoto();
  }

  function showPhoto() {
    const photo = around[place];
    byId("photo-title").textContent = photo.path;
    byId("photo").querySelector(".position").textContent = `${(place + 1).toLocaleString("en")} of ${around.length.toLocaleString("en")}`;
    byId("photo").querySelectorAll(".step").forEach((button) => { button.disabled = around.length < 2; });
    const line = element("p", "", photo.unknown ? "Rejected as " : "Predicted ", element("strong", photo.state, said(photo)),
      ", true class ", element("strong", "", classes[photo.truth]));
    const verdict = element("div", "verdict", line, probabilities(photo));
    if (photo.other) {
      const [index, share] = photo.other, state = index === photo.truth ? "right" : "wrong";
      verdict.append(element("p", "", "The other head predicts ", element("strong", state, element("bdi", "", classes[index])), `, ${percent(share)}`));
    }
    if (photo.unknown) verdict.append(element("p", "fine", photo.unknown));
    if (photo.doubted) verdict.append(element("p", "fine", "Cross-validation is confident of another label for this image."));
    const detail = byId("photo").querySelector(".detail");
    detail.replaceChildren(picture(photo), verdict);
    if (photo.near) detail.append(element("h3", "", "Nearest training images"), neighbours(photo));
  }

  const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
  byId("photo").addEventListener("keydown", (event) => {
    if (!(event.key in STEPS) || event.altKey || event.ctrlKey || event.metaKey || around.length < 2) return;
    event.preventDefault();
    step(STEPS[event.key]);
  });
  byId("photo").querySelectorAll(".step").forEach((button) =>
    button.addEventListener("click", () => step(Number(button.dataset.step))));

  document.querySelectorAll("button[data-truth]").forEach((button) =>
    button.addEventListener("click", () => openCell(Number(button.dataset.truth), Number(button.dataset.predicted))));
  const ofHeads = (part) => photos.filter((photo) => photo.heads === part.dataset.versus);
  document.querySelectorAll("button[data-photo]").forEach((button) =>
    button.addEventListener("click", () => {
      const part = button.closest("[data-versus]");
      openPhoto(photos[button.dataset.photo], part ? ofHeads(part) : photos.filter((photo) => photo.state === "wrong"));
    }));
  document.querySelectorAll("button.all").forEach((button) =>
    button.addEventListener("click", () => {
      const part = button.closest("[data-versus]");
      openList(part.dataset.title, ofHeads(part));
    }));
  document.querySelectorAll("dialog").forEach((dialog) => {
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    // A click outside the dialog's box, on its backdrop, reports the dialog itself as its target.
    dialog.addEventListener("click", (event) => {
      const box = dialog.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (event.target === dialog && !inside) dialog.close();
    });
  });

  const theme = byId("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  dark.addEventListener("change", nameTheme);
  nameTheme();

  document.querySelectorAll("[data-script]").forEach((part) => { part.hidden = false; });
  filter();
})();
