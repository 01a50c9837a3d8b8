// The page of `tfstyle web`: what the server tells goes to the stage and the gallery.

import { ask, find } from "./api.js";
import { Form } from "./form.js";
import { Gallery } from "./gallery.js";
import { Stage } from "./stage.js";

const runs = new Map();
let selected = null;
let isFirst = true;

const described = await ask("/api/form");
find("#version").textContent = `tfstyle ${described.version}`;
const form = new Form(described, (id) => {
  select(id);
  find("#stage").scrollIntoView({ block: matchMedia("(max-width: 820px)").matches ? "start" : "nearest" });
});
const stage = new Stage((run) => {
  form.fill(run);
  find("#form").scrollIntoView({ block: "nearest" });
});
const gallery = new Gallery((id) => {
  select(id);
  find("#stage").focus();
});

function select(id) {
  selected = id;
  show();
}

function show() {
  const all = [...runs.values()];
  if (selected && runs.has(selected)) stage.show(runs.get(selected));
  else stage.show(null);
  gallery.show(all, selected);
}

function heard({ runs: changed, ids }) {
  for (const run of changed) {
    const points = (runs.get(run.id)?.points ?? []).slice(0, run.first);
    runs.set(run.id, { ...run, points: [...points, ...run.points] });
  }
  for (const id of runs.keys()) if (!ids.includes(id)) runs.delete(id);
  const all = [...runs.values()];
  if (!runs.has(selected) && (isFirst || !ids.includes(selected))) {
    selected = (all.find((run) => run.state === "painting") ?? all.at(-1))?.id ?? selected;
    if (isFirst && runs.has(selected)) form.fill(runs.get(selected));
  }
  isFirst = false;
  show();
}

const events = new EventSource("/api/events");
events.onopen = () => (find("#connection").hidden = true);
events.onerror = () => (find("#connection").hidden = false);
events.onmessage = (event) => heard(JSON.parse(event.data));
document.documentElement.dataset.ready = "true";
