// The pictures of the form: dropped, pasted, chosen, or examples, with the masks drawn over them.

import { find, make, thumbnail, upload } from "./api.js";
import { complement, draw } from "./brush.js";

const MOST_STYLES = 4;
const GOES = ["Where this style goes", "Paint where the result has this style. Elsewhere the photograph, or another style, stays."];
const COUNTS = ["What of the photograph counts", "Paint what must stay recognisable. Elsewhere the style is free."];

export class Slot {
  constructor(name, most, changed) {
    this.name = name;
    this.most = most;
    this.changed = changed;
    this.pictures = [];
    this.masks = new Map(); // picture's id -> mask
    this.root = find(`[data-slot=${name}]`);
    const input = find("input[type=file]", this.root);
    input.onchange = () => this.take(input.files).then(() => (input.value = ""));
    for (const kind of ["dragover", "dragleave", "drop"]) {
      this.root.addEventListener(kind, (event) => this.dragged(event));
    }
  }

  dragged(event) {
    event.preventDefault();
    this.root.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") this.take(event.dataTransfer.files);
  }

  async take(files) {
    this.fail("");
    for (const file of [...files].slice(0, this.most)) {
      this.root.setAttribute("aria-busy", "true");
      try {
        this.add(await upload(file));
      } catch (error) {
        this.fail(error.message.replace(/^picture/, file.name || "pasted"));
      }
      this.root.removeAttribute("aria-busy");
    }
  }

  fail(message) {
    find(".error", this.root).textContent = message;
  }

  add(picture) {
    const others = this.pictures.filter((each) => each.id !== picture.id);
    this.set([...others, picture].slice(-this.most));
  }

  set(pictures, masks = []) {
    this.pictures = pictures;
    pictures.forEach((picture, number) => masks[number] && this.masks.set(picture.id, masks[number]));
    this.show();
    this.changed();
  }

  offer(examples) {
    this.offered = examples;
    const group = find(".examples", this.root);
    group.replaceChildren(
      ...examples.map((picture) => {
        const name = picture.name.replace(/\.\w+$/, "");
        const image = make("img", { src: thumbnail(picture), alt: "" });
        const button = make("button", { type: "button", title: name, attributes: { "aria-label": `Example: ${name}` } }, image);
        button.dataset.id = picture.id;
        button.onclick = () => (this.fail(""), this.set([picture]));
        return button;
      }),
    );
    this.show();
  }

  show() {
    this.root.classList.toggle("filled", this.pictures.length > 0);
    find(".cards", this.root).replaceChildren(...this.pictures.map((picture) => this.card(picture)));
    const another = this.most > 1 ? "Add another style" : "Choose another";
    find(".drop b", this.root).textContent = this.pictures.length ? another : `Choose a ${this.name === "style" ? "style" : "photograph"}`;
    for (const button of this.root.querySelectorAll(".examples button")) {
      button.setAttribute("aria-pressed", this.pictures.some((each) => each.id === button.dataset.id));
    }
  }

  card(picture) {
    const mask = make("button", { type: "button", className: "link" });
    const [title, help] = this.name === "style" ? GOES : COUNTS;
    const has = this.masks.has(picture.id);
    mask.textContent = has ? "Change its mask" : this.name === "style" ? "Draw where it goes" : "Draw what counts";
    mask.onclick = () => this.drawMask(picture, title, help);
    const close = make("button", { type: "button", className: "close", textContent: "×" });
    close.setAttribute("aria-label", `Remove ${picture.name}`);
    close.onclick = () => this.set(this.pictures.filter((each) => each !== picture));
    const image = make("img", { src: thumbnail(picture), alt: picture.name });
    return make("div", { className: "card" }, image, make("b", { textContent: picture.name }), mask, close);
  }

  async drawMask(picture, title, help) {
    const kept = await draw(title, help, this.under(), this.masks.get(picture.id));
    if (kept === undefined) return;
    if (kept === null) this.masks.delete(picture.id);
    else this.masks.set(picture.id, await upload(kept, `${this.name}_mask.png`));
    this.show();
    this.changed();
  }

  // One mask for each picture, or none: where several have none, they share what is left.
  async allMasks() {
    const drawn = this.pictures.map((picture) => this.masks.get(picture.id));
    if (!drawn.some(Boolean)) return [];
    if (this.pictures.length === 1 || drawn.every(Boolean)) return drawn.map((mask) => mask.id);
    const key = drawn.map((mask) => mask?.id).join();
    if (this.rest?.key !== key) {
      const image = await complement(drawn.filter(Boolean).map(thumbnail));
      this.rest = { key, mask: await upload(image, "rest_mask.png") };
    }
    return drawn.map((mask) => (mask ?? this.rest.mask).id);
  }
}

export function slots(changed) {
  const content = new Slot("content", 1, changed);
  const style = new Slot("style", MOST_STYLES, changed);
  content.under = () => content.pictures[0];
  style.under = () => (content.root.hidden ? undefined : content.pictures[0]);
  let last = null;
  for (const slot of [content, style]) {
    slot.root.addEventListener("focusin", () => (last = slot));
  }
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    const empty = [content, style].find((slot) => !slot.root.hidden && !slot.pictures.length);
    const focused = last && !last.root.hidden && last.root.contains(document.activeElement) ? last : null;
    (focused ?? empty ?? style).take(files);
  });
  // A file that misses its slot must not replace the page.
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  return { content, style };
}
