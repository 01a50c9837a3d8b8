// The form: fields from the settings' own descriptions, and the estimate.

import { ask, duration, find, make, words } from "./api.js";
import { slots } from "./slots.js";

const SIZES = ["256", "384", "512", "768", "1024"];
const LABELS = { color: "Colours", size: "Size in pixels", style_size: "Size of the style", tile: "Without seams" };

export class Form {
  constructor(described, submitted) {
    this.described = described;
    this.submitted = submitted;
    this.root = find("#form");
    this.slots = slots(() => this.changed());
    this.values = {};
    for (const radio of document.querySelectorAll("[name=job]")) radio.onchange = () => this.choose(radio.value);
    this.root.onsubmit = (event) => (event.preventDefault(), this.submit());
    this.choose("stylize");
  }

  choose(job) {
    this.job = job;
    find(`[name=job][value=${job}]`).checked = true;
    const isTexture = job === "texture";
    this.slots.content.root.hidden = isTexture;
    find("#style-title").textContent = isTexture ? "Texture" : "Style";
    find("#paint").textContent = isTexture ? "Make it" : "Paint";
    const { photos, styles, textures } = this.described.examples;
    this.slots.content.offer(photos);
    this.slots.style.offer(isTexture ? textures : styles);
    this.build();
    this.changed();
  }

  build() {
    const fields = this.described.jobs[this.job];
    const extension = { name: "extension", help: "format of the picture that is downloaded", group: "Files", default: ".png", choices: this.described.extensions, of: null };
    this.fields = [...fields, extension].map((field) => this.field(field));
    const first = this.fields.filter((field) => field.is_first);
    find("#first").replaceChildren(...first.map((field) => field.element));
    const groups = new Map();
    for (const field of this.fields.filter((each) => !each.is_first)) {
      groups.set(field.group, [...(groups.get(field.group) ?? []), field]);
    }
    this.groups = [...groups].map(([title, members]) => {
      const legend = make("legend", { textContent: title.replace(/, for --.*/, "") });
      const inside = make("div", { className: "fields" }, ...members.map((field) => field.element));
      return { members, element: make("fieldset", {}, legend, inside) };
    });
    find("#groups").replaceChildren(...this.groups.map((group) => group.element));
  }

  field(described) {
    const { name, help, choices, range } = described;
    const id = `field-${name}`;
    const input = choices ? this.select(described) : make("input", { placeholder: described.default || "automatic" });
    if (range && range[1] <= 1) Object.assign(input, { type: "range", min: range[0], max: range[1], step: 0.05 });
    else if (range) input.inputMode = described.is_whole ? "numeric" : "decimal";
    Object.assign(input, { id, name, value: this.values[name] ?? (choices || input.type === "range" ? described.default : "") });
    input.setAttribute("aria-describedby", `${id}-help`);
    if (name === "size") input.setAttribute("list", "sizes");
    const shown = make("output", { htmlFor: id });
    const label = make("label", { htmlFor: id }, make("span", { textContent: LABELS[name] ?? words(name) }), input.type === "range" ? shown : null);
    const list = name === "size" ? make("datalist", { id: "sizes" }, ...SIZES.map((value) => make("option", { value }))) : null;
    const explained = make("p", { id: `${id}-help`, className: "help", textContent: help });
    const element = make("div", { className: "field" }, label, input, list, explained);
    const field = { ...described, input, element, shown };
    input.oninput = () => (this.remember(field), this.changed());
    shown.textContent = input.value;
    return field;
  }

  select({ default: usual, choices }) {
    const options = usual ? choices : ["", ...choices];
    return make("select", {}, ...options.map((value) => make("option", { value, textContent: value || "none" })));
  }

  remember({ name, input, shown }) {
    this.values[name] = input.value;
    shown.textContent = input.value;
  }

  value(name) {
    const field = this.fields.find((each) => each.name === name);
    return field ? field.input.value || field.default : undefined;
  }

  applies(field) {
    return !field.of || this.value(field.of[0]) === field.of[1];
  }

  changed() {
    if (!this.fields) return;
    for (const field of this.fields) {
      field.element.hidden = !this.applies(field);
      field.element.classList.toggle("changed", this.isChanged(field));
    }
    for (const { members, element } of this.groups) element.hidden = members.every((field) => field.element.hidden);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.estimate(), 350);
  }

  isChanged(field) {
    return field.input.value !== "" && field.input.value !== field.default;
  }

  async answer() {
    const { content, style } = this.slots;
    const changed = this.fields.filter((field) => this.applies(field) && this.isChanged(field));
    const settings = Object.fromEntries(changed.map((field) => [field.name, field.input.value.trim()]));
    delete settings.extension;
    const masks = { style_mask: await style.allMasks() };
    if (this.job === "stylize") masks.content_mask = await content.allMasks();
    return {
      job: this.job,
      settings,
      masks,
      content: this.job === "stylize" ? content.pictures[0]?.id : undefined,
      style: style.pictures.map((picture) => picture.id),
      extension: this.value("extension"),
    };
  }

  missing() {
    const { content, style } = this.slots;
    const needed = [];
    if (this.job === "stylize" && !content.pictures.length) needed.push("a photograph");
    if (!style.pictures.length) needed.push(this.job === "texture" ? "a texture" : "a style");
    return needed.join(" and ");
  }

  async estimate() {
    this.asked?.abort();
    this.tell("");
    find("#paint").disabled = Boolean(this.missing());
    if (this.missing()) return this.tell(`Choose ${this.missing()}.`);
    this.asked = new AbortController();
    this.tell("Looking at the pictures …");
    try {
      const { size, seconds, memory, levels } = await ask("/api/estimate", await this.answer(), { signal: this.asked.signal });
      const scales = levels.length > 1 ? `, ${levels.length} scales` : "";
      const cost = memory ? `About ${duration(seconds)} once it has begun, ${(memory / 1e9).toFixed(1)}\u00a0GB.` : "";
      this.tell(`${size[0]} × ${size[1]}${scales}. ${cost}`);
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error.message);
    }
  }

  tell(text) {
    find("#estimate").textContent = text;
    find("#estimate").classList.remove("error");
    for (const field of this.fields) field.input.removeAttribute("aria-invalid");
  }

  fail(message) {
    this.tell(message);
    find("#estimate").classList.add("error");
    const field = this.fields.find((each) => message.startsWith(`${each.name}:`));
    field?.input.setAttribute("aria-invalid", "true");
    if (field && !field.is_first) find("#more").open = true;
  }

  async submit() {
    if (this.missing()) return;
    try {
      this.submitted((await ask("/api/runs", await this.answer())).id);
    } catch (error) {
      this.fail(error.message);
    }
  }

  // Fills the form with what a run was asked for.
  fill(run) {
    this.values = { ...run.settings, extension: run.extension };
    this.choose(run.job);
    const ids = (name) => (run.masks[name] ?? []).map((id) => ({ id }));
    for (const slot of Object.values(this.slots)) slot.masks.clear();
    if (run.content) this.slots.content.set([run.content], ids("content_mask"));
    this.slots.style.set(run.style, ids("style_mask"));
  }
}
