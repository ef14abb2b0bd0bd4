"use strict";
// Polls the progress, draws the losses on a logarithmic scale, and swaps the picture when it is new.

const PERIOD = 1000;
const COLOURS = ["#6cb6ff", "#ffb454", "#8ddb8c", "#ff7b9c"];
const WIDTH = 400, HEIGHT = 240;
const byId = (id) => document.getElementById(id);
let rows = [];
let shown = 0;

function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function plot() {
  const names = Object.keys(rows[0].losses);
  const values = rows.flatMap((row) => Object.values(row.losses)).filter((value) => value > 0);
  if (!values.length) return;
  const low = Math.log10(Math.min(...values)), high = Math.log10(Math.max(...values));
  const x = (row) => (row.iteration / rows.at(-1).iterations) * WIDTH;
  const y = (value) =>
    HEIGHT - 8 - ((Math.log10(value) - low) / (high - low || 1)) * (HEIGHT - 24);
  const parts = [];
  for (let power = Math.ceil(low); power <= high; power += 1) {
    const at = y(10 ** power);
    parts.push(element("line", { x1: 0, x2: WIDTH, y1: at, y2: at }));
    parts.push(element("text", { x: 2, y: at - 2 }, String(10 ** power)));
  }
  const labels = [];
  names.forEach((name, number) => {
    const colour = COLOURS[number % COLOURS.length];
    const points = rows
      .filter((row) => row.losses[name] > 0)
      .map((row) => `${x(row).toFixed(1)},${y(row.losses[name]).toFixed(1)}`);
    const line = element("polyline", { points: points.join(" "), stroke: colour });
    line.dataset.loss = name;
    parts.push(line);
    const label = document.createElement("span");
    label.style.color = colour;
    label.textContent = `${name} ${rows.at(-1).losses[name].toFixed(3)}`;
    labels.push(label);
  });
  byId("losses").replaceChildren(...parts);
  byId("legend").replaceChildren(...labels);
}

async function poll() {
  try {
    const reply = await fetch(`/progress.json?since=${rows.length}`);
    if (!reply.ok) throw new Error(reply.statusText);
    const told = await reply.json();
    byId("title").textContent = document.title = told.title;
    rows = rows.slice(0, told.since).concat(told.rows);
    if (rows.length) {
      const last = rows.at(-1);
      byId("state").textContent =
        `${last.iteration} of ${last.iterations} iterations, ${last.size}, ${last.left}`;
      byId("work").value = last.work;
      plot();
    }
    if (told.picture > shown) {
      shown = told.picture;
      byId("picture").src = `/picture.jpg?number=${shown}`;
      byId("picture").hidden = false;
    }
    if (told.finished) {
      byId("state").textContent = "finished";
      return;
    }
  } catch {
    byId("state").textContent = "stylecam paint has ended; this is the last that was seen of it";
    return;
  }
  setTimeout(poll, PERIOD);
}

poll();
