// The run that is looked at: its picture while it paints, and what can be done with it.

import { ask, duration, find, make, words } from "./api.js";
import { curve } from "./curve.js";

const STATES = { done: "Done", stopped: "Stopped", failed: "Failed" };

export class Stage {
  constructor(reused) {
    this.run = null;
    find("#stop").onclick = () => this.change("stop");
    find("#resume").onclick = () => this.change("resume");
    find("#remove").onclick = () => this.change("remove");
    find("#again").onclick = () => reused(this.run);
    find("#lay input").onchange = () => this.show(this.run);
    find("#slider").oninput = () => this.slide();
    addEventListener("resize", () => this.run && this.fit(this.run));
  }

  async change(what) {
    try {
      await ask(`/api/runs/${this.run.id}/${what}`, {});
    } catch (error) {
      this.complain(error.message);
    }
  }

  complain(message) {
    find("#failure").textContent = message;
    find("#failure").hidden = !message;
  }

  slide() {
    find("#canvas").style.setProperty("--at", `${find("#slider").value}%`);
  }

  show(run) {
    const isNew = this.run?.id !== run?.id;
    this.run = run;
    find("#empty").hidden = Boolean(run);
    find("#work").hidden = !run;
    if (!run) return;
    if (isNew) this.begin();
    const is = (...states) => states.includes(run.state);
    this.fit(run);
    this.showPicture(run);
    find("#title").textContent = [run.content, ...run.style].filter(Boolean).map((each) => each.name.replace(/\.\w+$/, "")).join(" · ");
    find("#state").textContent = this.told(run);
    find("#progress").hidden = !is("painting");
    find("#progress").value = run.fraction;
    this.complain(is("failed") || (is("stopped") && run.message !== "stopped") ? run.message : "");
    const stop = find("#stop");
    stop.hidden = !is("painting", "waiting");
    stop.textContent = is("waiting") ? "Take it out of the queue" : run.is_stopping ? "Stop at once" : "Stop and keep it";
    find("#resume").hidden = !run.can_resume;
    find("#remove").hidden = is("painting", "waiting");
    const download = find("#download");
    download.hidden = !run.has_picture || is("painting", "waiting");
    download.href = `/api/runs/${run.id}/download`;
    download.download = run.name;
    find("#curve").replaceChildren(curve({ levels: [], ...run }));
    this.showRecord(run);
  }

  begin() {
    find("#picture").removeAttribute("src");
    find("#lay input").checked = false;
    find("#slider").value = 50;
    this.slide();
  }

  fit(run) {
    const [width, height] = run.size ?? run.content?.size ?? [4, 3];
    const ratio = width && height ? width / height : 4 / 3;
    const canvas = find("#canvas");
    canvas.style.aspectRatio = ratio;
    canvas.style.width = `min(100%, ${Math.round(innerHeight * 0.72 * ratio)}px)`;
  }

  showPicture(run) {
    const ended = run.has_picture && !["painting", "waiting"].includes(run.state);
    const has = ended || run.has_live;
    const source = ended ? `/api/runs/${run.id}/picture?n=${run.evaluations}` : `/api/runs/${run.id}/live?n=${run.live}`;
    const picture = find("#picture");
    picture.hidden = !has;
    picture.alt = `${ended ? "The picture" : "The picture so far"}: ${find("#title").textContent}`;
    if (has && picture.dataset.source !== source) load(picture, source);
    const isTiled = ended && run.job === "texture" && find("#lay input").checked;
    find("#lay").hidden = !(ended && run.job === "texture");
    find("#tiled").hidden = !isTiled;
    if (isTiled) find("#tiled").style.backgroundImage = `url("${source}")`;
    const compares = ended && run.has_before;
    for (const name of ["#before", "#handle", "#slider"]) find(name).hidden = !compares;
    if (compares) load(find("#before"), `/api/runs/${run.id}/before?n=${run.evaluations}`);
    const pending = find("#pending");
    pending.hidden = has;
    pending.textContent = run.state === "waiting" ? "It waits for its turn." : run.state === "painting" ? "The brushes are laid out …" : "There is no picture.";
  }

  told(run) {
    if (run.state === "waiting") {
      const before = run.position;
      return before ? `Waiting: ${before} before it` : "Waiting";
    }
    if (run.state !== "painting") {
      return `${STATES[run.state]} after ${run.evaluations} evaluations, ${duration(run.seconds)}`;
    }
    if (run.is_stopping) return "Stopping …";
    if (!run.evaluations) return "Getting ready";
    const scale = run.levels?.length > 1 ? `scale ${run.level} of ${run.levels.length}, ` : "";
    return `${scale}${Math.round(100 * run.fraction)} %, ${run.evaluations} of ${run.budget} evaluations`;
  }

  showRecord(run) {
    const size = run.size ? `${run.size[0]} × ${run.size[1]}` : null;
    const rows = {
      ...(size && { Result: size }),
      ...(run.device && { "Painted on": run.device }),
      ...(run.memory && { Memory: `${(run.memory / 1e9).toFixed(1)} GB` }),
      ...(run.loss != null && { Loss: run.loss.toPrecision(4) }),
      ...Object.fromEntries(Object.entries(run.settings).map(([name, value]) => [words(name), value])),
    };
    find("#record").replaceChildren(
      ...Object.entries(rows).flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]),
    );
    find("#typed").textContent = run.typed;
  }
}

// Shows a picture once it is there, so that the old one is seen meanwhile.
function load(element, source) {
  if (element.dataset.source === source) return;
  element.dataset.source = source;
  const fetched = new Image();
  fetched.onload = () => element.dataset.source === source && (element.src = source);
  fetched.src = source;
}
