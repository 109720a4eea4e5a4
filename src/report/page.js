"use strict";
// The page's script: filters for the images, dialogs for a cell and for an image. Names are inserted as text.
(() => {
  const { photos, rest: { classes, training } } = JSON.parse(document.getElementById("data").textContent);
  // Tiles added at first and with each "Show more". Few at first, so that the sections below stay within reach.
  const FIRST = innerWidth < 600 ? 24 : 70, MORE = 280;
  const MARKS = { right: "✓", wrong: "✗", unknown: "?" };
  const byId = (id) => document.getElementById(id);

  photos.forEach((photo) => {
    const right = photo.truth === photo.predicted;
    photo.state = photo.unknown ? "unknown" : right ? "right" : "wrong";
    photo.lower = photo.path.toLowerCase();
    photo.confidence = photo.top.length ? photo.top[0][1] : 0;
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
    image.alt = "";
    image.src = "data:image/jpeg;base64," + item.jpeg;
    return image;
  }

  function said(photo) {
    return photo.unknown ? "unknown" : classes[photo.predicted];
  }

  // The probability belongs to the most probable class: "unknown" has none.
  function inWords(photo) {
    const likeliest = `${classes[photo.predicted]}, ${percent(photo.confidence)}`;
    return photo.unknown ? `rejected as unknown, most probable class ${likeliest}` : `predicted ${likeliest}`;
  }

  function counted(n) {
    return `${n.toLocaleString("en")} ${n === 1 ? "image" : "images"}`;
  }

  function tileLine(className, before, name, share) {
    return element("span", className, element("b", "", before, element("bdi", "", name)), element("span", "share", share));
  }

  function tile(photo) {
    const made = element("button", "tile", picture(photo));
    made.type = "button";
    made.dataset.state = photo.state;
    made.title = photo.path;
    made.append(tileLine("said", `${MARKS[photo.state]} `, said(photo), photo.unknown ? "" : percent(photo.confidence)));
    if (photo.unknown) made.append(tileLine("is", "maybe ", classes[photo.predicted], percent(photo.confidence)));
    if (photo.state !== "right") made.append(tileLine("is", "true: ", classes[photo.truth], ""));
    made.setAttribute("aria-label", `${photo.path}: ${inWords(photo)}; true class ${classes[photo.truth]}`);
    made.addEventListener("click", () => openPhoto(photo));
    return made;
  }

  // A grid that adds its tiles in chunks.
  function grid(root) {
    const tiles = root.querySelector(".tiles"), more = root.querySelector(".more");
    let list = [], made = 0;
    function grow() {
      const next = list.slice(made, made + (made ? MORE : FIRST));
      tiles.append(...next.map(tile));
      made += next.length;
      more.hidden = made >= list.length;
    }
    more.addEventListener("click", () => {
      const first = made;
      grow();
      tiles.children[first]?.focus();
    });
    return (photos) => {
      list = photos;
      made = 0;
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
    const truth = byId("truth").value, predicted = byId("predicted").value;
    const found = photos.filter((photo) =>
      (outcome === "all" || photo.state === outcome)
      && (truth === "" || photo.truth === Number(truth))
      && (predicted === "" || photo.predicted === Number(predicted))
      && (text === "" || photo.lower.includes(text)));
    const order = ORDERS[byId("order").value];
    if (order) found.sort(order);
    counter.textContent = `${found.length.toLocaleString("en")} of ${counted(photos.length)}`;
    showAll(found);
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());

  const showCell = grid(byId("cell"));
  function openCell(truth, predicted) {
    const found = photos.filter((photo) => photo.truth === truth && photo.predicted === predicted);
    const what = truth === predicted ? "predicted correctly" : `predicted as ${classes[predicted]}`;
    byId("cell-title").textContent = `${classes[truth]} ${what}: ${counted(found.length)}`;
    showCell(found);
    byId("cell").showModal();
  }

  function bar(share) {
    const svg = byId("bar").content.firstElementChild.cloneNode(true);
    svg.querySelector(".p").setAttribute("width", 100 * share);
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
      item.title = near.path;
      list.append(item);
    }
    return list;
  }

  function openPhoto(photo) {
    byId("photo-title").textContent = photo.path;
    const line = element("p", "", photo.unknown ? "Rejected as " : "Predicted ", element("strong", photo.state, said(photo)),
      ", true class ", element("strong", "", classes[photo.truth]));
    const verdict = element("div", "verdict", line, probabilities(photo));
    if (photo.unknown) verdict.append(element("p", "fine", photo.unknown));
    const detail = byId("photo").querySelector(".detail");
    detail.replaceChildren(picture(photo), verdict);
    if (photo.near) detail.append(element("h3", "", "Nearest training images"), neighbours(photo));
    byId("photo").showModal();
  }

  document.querySelectorAll("button[data-truth]").forEach((button) =>
    button.addEventListener("click", () => openCell(Number(button.dataset.truth), Number(button.dataset.predicted))));
  document.querySelectorAll("button[data-photo]").forEach((button) =>
    button.addEventListener("click", () => openPhoto(photos[Number(button.dataset.photo)])));
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
