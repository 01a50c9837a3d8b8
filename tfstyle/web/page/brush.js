// A mask drawn with a brush over the photograph: white where it counts, black elsewhere.

import { find, make, thumbnail } from "./api.js";

const SIDE = 512; // long side of a mask in pixels
const TINT = "#e0492a";

const loaded = async (source) => {
  const image = make("img", { src: source });
  await image.decode();
  return image;
};

function sheetOf(image) {
  const [width, height] = image ? [image.naturalWidth, image.naturalHeight] : [SIDE, SIDE];
  const scale = SIDE / Math.max(width, height);
  return make("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
}

// What none of the masks covers.
export async function complement(sources) {
  const images = await Promise.all(sources.map(loaded));
  const canvas = sheetOf(images[0]);
  const context = canvas.getContext("2d");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalCompositeOperation = "lighten";
  for (const image of images) context.drawImage(image, 0, 0, canvas.width, canvas.height);
  invert(context);
  return blob(canvas);
}

function invert(context) {
  context.save();
  context.globalCompositeOperation = "difference";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.restore();
}

const blob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

// Resolves to a PNG, `null` for no mask, or `undefined` where nothing changes.
export async function draw(title, help, photograph, before) {
  const dialog = find("#brush");
  const canvas = find("canvas", dialog);
  const [under, old] = await Promise.all([photograph && loaded(thumbnail(photograph)), before && loaded(thumbnail(before))]);
  const mask = sheetOf(under ?? old);
  const brush = new Brush(canvas, mask, under, find("form", dialog));
  if (old) brush.context.drawImage(old, 0, 0, mask.width, mask.height);
  find("#brush-title").textContent = title;
  find("#brush-help").textContent = help;
  brush.show();
  dialog.returnValue = "";
  dialog.showModal();
  canvas.focus();
  await new Promise((closed) => (dialog.onclose = closed));
  if (dialog.returnValue === "keep") return blob(mask);
  return dialog.returnValue === "none" ? null : undefined;
}

class Brush {
  constructor(canvas, mask, under, form) {
    Object.assign(this, { canvas, mask, under, form });
    [canvas.width, canvas.height] = [mask.width, mask.height];
    this.context = mask.getContext("2d");
    this.clear();
    this.at = [mask.width / 2, mask.height / 2];
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.at = this.place(event);
      this.stroke(this.at);
    };
    canvas.onpointermove = (event) => (event.buttons ? this.stroke(this.place(event)) : this.move(this.place(event)));
    canvas.onkeydown = (event) => this.key(event);
    form.elements.invert.onclick = () => (invert(this.context), this.show());
    form.elements.clear.onclick = () => (this.clear(), this.show());
  }

  get radius() {
    return Number(this.form.elements.radius.value);
  }

  clear() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.mask.width, this.mask.height);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * this.mask.width) / box.width, ((event.clientY - box.top) * this.mask.height) / box.height];
  }

  stroke(to) {
    const colour = this.form.elements.erase.checked ? "#000" : "#fff";
    Object.assign(this.context, { strokeStyle: colour, lineWidth: 2 * this.radius, lineCap: "round", lineJoin: "round" });
    this.context.beginPath();
    this.context.moveTo(...this.at);
    this.context.lineTo(to[0] + 0.01, to[1]);
    this.context.stroke();
    this.move(to);
  }

  move(to) {
    this.at = to;
    this.show();
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (step) this.move(this.at.map((value, axis) => Math.min([this.mask.width, this.mask.height][axis], Math.max(0, value + (step[axis] * this.radius) / 2))));
    else this.stroke(this.at);
  }

  // The photograph, in colour where the mask is white, and the brush.
  show() {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "#8d857a";
    context.fillRect(0, 0, width, height);
    if (this.under) context.drawImage(this.under, 0, 0, width, height);
    const tint = make("canvas", { width, height });
    const ink = tint.getContext("2d");
    ink.drawImage(this.mask, 0, 0);
    ink.globalCompositeOperation = "multiply";
    ink.fillStyle = TINT;
    ink.fillRect(0, 0, width, height);
    context.globalAlpha = 0.75;
    context.globalCompositeOperation = "screen";
    context.drawImage(tint, 0, 0);
    context.globalAlpha = 1;
    context.globalCompositeOperation = "source-over";
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...this.at, this.radius, 0, 7);
    context.stroke();
  }
}
