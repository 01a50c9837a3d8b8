// The runs of the session, and a sheet of those that are ticked.

import { find, make } from "./api.js";

const CELL = 360; // pixels of a picture on the sheet that is downloaded

export class Gallery {
  constructor(chosen) {
    this.chosen = chosen;
    this.ticked = new Set();
    this.items = new Map();
    find("#compare").onclick = () => this.compare();
  }

  show(runs, selected) {
    this.runs = runs;
    find("#gallery").hidden = runs.length === 0;
    const list = find("#gallery ul");
    for (const [id, item] of this.items) {
      if (!runs.some((run) => run.id === id)) this.forget(id, item);
    }
    for (const run of runs) {
      if (!this.items.has(run.id)) {
        this.items.set(run.id, this.item(run));
        list.prepend(this.items.get(run.id).element);
      }
      this.update(run, run.id === selected);
    }
    find("#compare").disabled = this.ticked.size < 2;
  }

  forget(id, item) {
    item.element.remove();
    this.items.delete(id);
    this.ticked.delete(id);
  }

  item(run) {
    const shot = make("div", { className: "shot" });
    const [title, told] = [make("b"), make("span")];
    const button = make("button", { type: "button", onclick: () => this.chosen(run.id) }, shot, title, told);
    const tick = make("input", { type: "checkbox", className: "tick" });
    tick.onchange = () => {
      this.ticked[tick.checked ? "add" : "delete"](run.id);
      find("#compare").disabled = this.ticked.size < 2;
    };
    return { element: make("li", {}, button, tick), button, shot, title, told, tick };
  }

  update(run, isSelected) {
    const { button, shot, title, told, tick } = this.items.get(run.id);
    button.setAttribute("aria-current", isSelected);
    title.textContent = run.name;
    tick.hidden = !run.has_picture;
    tick.setAttribute("aria-label", `Tick ${run.name}, to compare it`);
    told.textContent = `${run.state}${caption(run.settings)}`;
    const isOver = !["painting", "waiting"].includes(run.state);
    const source = run.has_picture && isOver ? `/api/runs/${run.id}/picture?n=${run.evaluations}` : run.has_live && isOver ? `/api/runs/${run.id}/live` : "";
    if (shot.dataset.source === source) return;
    shot.dataset.source = source;
    shot.replaceChildren(...(source ? [make("img", { src: source, alt: "" })] : []));
  }

  async compare() {
    const runs = this.runs.filter((run) => this.ticked.has(run.id));
    const names = [...new Set(runs.flatMap((run) => Object.keys(run.settings)))];
    const differing = names.filter((name) => new Set(runs.map((run) => run.settings[name])).size > 1);
    const text = (run) => differing.map((name) => `${name} ${run.settings[name] ?? "as usual"}`).join(", ") || run.name;
    const figures = runs.map((run) => {
      const image = make("img", { src: `/api/runs/${run.id}/picture?n=${run.evaluations}`, alt: run.name });
      return make("figure", {}, image, make("figcaption", { textContent: text(run) }));
    });
    find("#sheet .pictures").replaceChildren(...figures);
    const link = find("#sheet a");
    link.removeAttribute("href");
    find("#sheet").showModal();
    const images = figures.map((figure) => figure.firstChild);
    await Promise.all(images.map((image) => image.decode()));
    link.href = sheet(images, runs.map(text)).toDataURL("image/png");
  }
}

function caption(settings) {
  const parts = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return parts.length ? ` · ${parts.slice(0, 3).join(", ")}` : "";
}

function sheet(images, texts) {
  const columns = Math.min(images.length, 4);
  const rows = Math.ceil(images.length / columns);
  const height = CELL + 40;
  const canvas = make("canvas", { width: columns * (CELL + 16) + 16, height: rows * height + 16 });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.font = "15px sans-serif";
  images.forEach((image, number) => {
    const [x, y] = [16 + (number % columns) * (CELL + 16), 16 + Math.floor(number / columns) * height];
    const scale = CELL / Math.max(image.naturalWidth, image.naturalHeight);
    const [wide, high] = [image.naturalWidth * scale, image.naturalHeight * scale];
    context.drawImage(image, x + (CELL - wide) / 2, y + CELL - high, wide, high);
    context.fillStyle = "#211d19";
    context.fillText(texts[number], x, y + CELL + 22, CELL);
  });
  return canvas;
}
