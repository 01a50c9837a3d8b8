// The curve of the loss, with a mark where each scale begins.

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [480, 190, 44, 22];
const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

export function curve({ points, marks, levels, budget }) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const losses = points.map((point) => point[1]).filter((loss) => loss > 0);
  if (!losses.length) {
    svg.setAttribute("aria-label", "No loss yet");
    svg.append(shape("text", { x: LEFT, y: HEIGHT / 2 }, "It begins with the first evaluation."));
    return svg;
  }
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const span = Math.log(high / low) || 1;
  const x = (evaluation) => LEFT + ((WIDTH - LEFT) * evaluation) / Math.max(budget, points.at(-1)[0]);
  const y = (loss) => 14 + (HEIGHT - BOTTOM - 14) * (1 - Math.log(Math.max(loss, low) / low) / span);
  svg.setAttribute("aria-label", `The loss went from ${losses[0].toPrecision(3)} to ${losses.at(-1).toPrecision(3)}`);
  svg.append(
    shape("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    shape("text", { x: 0, y: y(high) + 4 }, high.toPrecision(3)),
    shape("text", { x: 0, y: y(low) + 4 }, low.toPrecision(3)),
    shape("text", { x: WIDTH, y: HEIGHT - 5, "text-anchor": "end" }, `${Math.max(budget, points.at(-1)[0])} evaluations`),
  );
  for (const [evaluation, level] of marks.slice(levels.length > 1 ? 0 : 1)) {
    const size = levels[level - 1];
    svg.append(
      shape("line", { class: "mark", x1: x(evaluation), x2: x(evaluation), y1: 6, y2: HEIGHT - BOTTOM }),
      shape("text", { x: x(evaluation) + 4, y: 10 }, size ? `${Math.max(...size)} px` : ""),
    );
  }
  const line = points.map(([evaluation, loss]) => `${x(evaluation).toFixed(1)},${y(loss).toFixed(1)}`);
  svg.append(shape("polyline", { class: "line", points: line.join(" ") }));
  return svg;
}
