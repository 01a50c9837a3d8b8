// What is asked of the server, and small helpers for the page.

export async function ask(path, body, options = {}) {
  const answer = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    body: body instanceof Blob ? body : body && JSON.stringify(body),
    ...options,
  });
  const content = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Error(content.error);
  return content;
}

export const upload = (file, name = file.name) =>
  ask(`/api/pictures?name=${encodeURIComponent(name || "pasted.png")}`, file);

export const thumbnail = (picture) => `/api/pictures/${picture.id}`;

export const find = (selector, within = document) => within.querySelector(selector);

export function make(tag, properties = {}, ...children) {
  const { attributes = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child != null));
  return element;
}

export const words = (name) => {
  const text = name.replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
};

export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 90) return `${whole}\u00a0s`;
  if (whole < 5400) return `${Math.round(whole / 60)}\u00a0min`;
  return `${(whole / 3600).toFixed(1)}\u00a0h`;
}
