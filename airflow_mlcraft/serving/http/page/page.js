"use strict";
// The page of a model server: a form made from the signature, and what /latency and /predictions_count say.
const EVERY = 2000;
const WIDTH = 600;
const HEIGHT = 120;
const byId = (id) => document.getElementById(id);
let key = sessionStorage.getItem("key") || "";
let model = null;
let shown = 0;

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

async function ask(path, body) {
  const headers = key ? { "X-API-Key": key } : {};
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  const found = await answer.json();
  if (answer.status === 401) byId("unlock").hidden = false;
  if (!answer.ok) throw Object.assign(new Error(found.error || answer.statusText), { column: found.column });
  return found;
}

// ---------------------------------------------------------------- the form

function field(column, index) {
  const label = element("label", `${column.name} `, { for: `field-${index}` });
  label.append(element("small", column.type + (column.nullable ? ", may be empty" : "")));
  let input;
  if (column.type === "boolean") {
    input = element("select");
    for (const value of [...(column.nullable ? [""] : []), "true", "false"]) input.append(element("option", value));
  } else {
    const kind = ["string", "datetime"].includes(column.type) ? "text" : "number";
    input = element("input", undefined, { type: kind, step: "any", autocomplete: "off" });
  }
  input.id = `field-${index}`;
  const both = element("div");
  both.append(label, input);
  const known = (model.description.features || []).find((one) => one.name === column.name);
  if (known && known.categories) {
    const list = element("datalist", undefined, { id: `known-${index}` });
    list.append(...known.categories.map((value) => element("option", undefined, { value })));
    input.setAttribute("list", list.id);
    both.append(list);
  }
  return both;
}

function fill(record) {
  model.columns.forEach((column, index) => {
    const value = record[column.name];
    byId(`field-${index}`).value = value === null || value === undefined ? "" : String(value);
  });
  tell();
}

function record() {
  const made = {};
  model.columns.forEach((column, index) => {
    const text = byId(`field-${index}`).value;
    if (text === "") made[column.name] = null;
    else if (column.type === "boolean") made[column.name] = text === "true";
    else if (["string", "datetime"].includes(column.type)) made[column.name] = text;
    else made[column.name] = Number(text);
  });
  return made;
}

function tell() {
  const body = JSON.stringify({ records: [record()] }).replaceAll("'", "'\\''");
  const secret = key ? " -H \"X-API-Key: $MLCRAFT_API_KEY\"" : "";
  byId("curl").textContent =
    `curl ${location.origin}/predict${secret} -H 'Content-Type: application/json' -d '${body}'`;
}

async function predict(event) {
  event.preventDefault();
  const place = byId("answer");
  for (const input of byId("fields").querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  try {
    const path = model.probabilities ? "/predict?probabilities=true" : "/predict";
    const found = await ask(path, { records: [record()] });
    place.replaceChildren(element("strong", String(found.predictions[0])));
    if (found.probabilities) place.append(likely(found.classes, found.probabilities[0]));
  } catch (error) {
    place.replaceChildren(element("span", error.message, { class: "bad" }));
    const index = model.columns.findIndex((column) => column.name === error.column);
    if (index >= 0) {
      byId(`field-${index}`).setAttribute("aria-invalid", "true");
      byId(`field-${index}`).focus();
    }
  }
  refresh();
}

function likely(classes, values) {
  const table = element("table");
  table.append(element("caption", "Probabilities"));
  classes.forEach((name, index) => {
    const share = values[index] === null ? 0 : values[index];
    const row = element("tr");
    row.append(element("th", String(name), { scope: "row" }));
    const cell = element("td", `${(share * 100).toFixed(1)} % `);
    cell.append(element("meter", undefined, { value: share, min: 0, max: 1, "aria-label": `probability of ${name}` }));
    row.append(cell);
    table.append(row);
  });
  return table;
}

// ---------------------------------------------------------------- the charts

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function scale(values) {
  const most = Math.max(...values.filter((value) => value !== null), 0);
  return most > 0 ? most : 1;
}

function bars(place, values, words) {
  const most = scale(values);
  const wide = WIDTH / values.length;
  const made = values.map((value, index) => {
    const high = (value / most) * (HEIGHT - 20);
    return drawn("rect", { class: "bars", x: index * wide, y: HEIGHT - high, width: wide * 0.8, height: high });
  });
  place.replaceChildren(...made, drawn("text", { x: 4, y: 14 }, String(most)));
  place.setAttribute("aria-label", words);
}

function lines(place, series, words) {
  const all = Object.values(series).flat();
  const most = scale(all);
  const made = Object.entries(series).map(([name, values]) => {
    const wide = WIDTH / Math.max(values.length - 1, 1);
    let path = "";
    let open = false;
    values.forEach((value, index) => {
      if (value === null) { open = false; return; }
      const point = `${(index * wide).toFixed(1)} ${(HEIGHT - (value / most) * (HEIGHT - 20)).toFixed(1)}`;
      path += open ? ` L ${point}` : ` M ${point} l 1 0 M ${point}`;
      open = true;
    });
    return drawn("path", { class: `line ${name}`, d: path || "M 0 0" });
  });
  place.replaceChildren(...made, drawn("text", { x: 4, y: 14 }, `${most} ms`));
  place.setAttribute("aria-label", words);
}

async function refresh() {
  if (!model || document.hidden) return;
  try {
    const [latency, counts] = await Promise.all([ask("/latency"), ask("/predictions_count")]);
    const said = (value) => (value === null ? "–" : `${value} ms`);
    const numbers = { requests: latency.requests, rows: latency.rows, p50: said(latency.p50), p90: said(latency.p90),
      p99: said(latency.p99) };
    byId("numbers").replaceChildren(...Object.entries(numbers).map(([name, value]) => {
      const both = element("div");
      both.append(element("dt", name), element("dd", String(value)));
      return both;
    }));
    const seconds = latency.seconds;
    bars(byId("traffic"), seconds.map((second) => second.requests),
      `Requests a second: ${latency.requests} requests in the last ${latency.window} seconds`);
    lines(byId("latency"), { p50: seconds.map((one) => one.p50), p99: seconds.map((one) => one.p99) },
      `Milliseconds to an answer: p50 ${said(latency.p50)}, p99 ${said(latency.p99)}`);
    const rows = [...Object.entries(counts.classes), ["all", counts.predictions]];
    byId("counts").replaceChildren(...rows.map(([name, count]) => {
      const row = element("tr");
      row.append(element("th", name, { scope: "row" }), element("td", String(count)));
      return row;
    }));
  } catch (error) {
    byId("about").textContent = `The server does not answer: ${error.message}`;
  }
}

// ---------------------------------------------------------------- the beginning

async function begin() {
  try {
    model = await ask("/model");
  } catch (error) {
    byId("about").textContent = error.message;
    return;
  }
  byId("unlock").hidden = true;
  document.title = byId("name").textContent = model.name;
  const { name, target, task } = model.description;
  const words = [name, task && `${task} of ${target}`, `version ${model.version}`].filter(Boolean);
  byId("about").textContent = words.join(" · ");
  byId("fields").replaceChildren(...model.columns.map(field));
  fill(model.example[0]);
  refresh();
}

byId("form").addEventListener("submit", predict);
byId("form").addEventListener("input", tell);
byId("example").addEventListener("click", () => {
  shown = (shown + 1) % model.example.length;
  fill(model.example[shown]);
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key").value;
  sessionStorage.setItem("key", key);
  begin();
});
setInterval(refresh, EVERY);
begin();
