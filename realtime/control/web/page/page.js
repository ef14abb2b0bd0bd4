// The page's side of /ws: draws the newest picture, shows the state, sends what is asked for.

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const canvas = $("picture");
const paint = canvas.getContext("2d", { alpha: false });
const RETRY_FIRST = 300; // milliseconds
const RETRY_MOST = 3000;

let socket = null;
let retry = RETRY_FIRST;
let keys = {}; // key name to verb; full screen has none
let current = null; // the last state
let newest = null; // the picture to draw next; older ones are skipped
let drawing = false;
let drawn = 0; // pictures in the running second
let rate = 0;
let effort = ""; // what the painting is spared, in words
let greeting = null; // the last hello
let saved = null; // what the gallery lists, the newest first; null until it is told
let waiting = false; // whether this page asked for a snapshot that is not here yet
let recordingSince = null; // milliseconds, by this page's clock
const COUNT = 3; // seconds before a snapshot
const PHOTO_SHOWN = 30000; // milliseconds, at a kiosk
const PLACED = ["style", "strength", "view", "mirror", "paused", "recording", "preserve_colours", "frozen", "blank"];

// --- the connection ---

function connect() {
  if (socket || document.hidden) return;
  socket = new WebSocket(new URL("ws", location.href).href.replace(/^http/, "ws"));
  socket.binaryType = "blob";
  socket.onopen = () => { retry = RETRY_FIRST; };
  socket.onmessage = ({ data }) => (typeof data === "string" ? hear(JSON.parse(data)) : show(data));
  socket.onclose = () => { socket = null; current = null; effort = ""; saved = null; waiting = false; lost(); };
}

async function lost() {
  stage.dataset.link = "lost";
  $("notice").textContent = "stylecam does not answer. Trying again …";
  describe();
  setTimeout(connect, retry);
  retry = Math.min(RETRY_MOST, retry * 1.6);
  const answer = await fetch(location.pathname, { method: "HEAD" }).catch(() => null);
  if (answer && answer.status === 403 && !socket) {
    $("notice").textContent = "This link is no longer valid: open the address that stylecam printed.";
  }
}

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function hear(message) {
  if (message.hello) greet(message.hello);
  if (message.state) reflect(message.state);
  if (message.source) source(message.source);
  if (message.effort !== undefined) { effort = message.effort; describe(); }
  if (message.gallery) gather(message.gallery);
  if (message.error) toast(message.error);
}

// --- the picture ---

function show(blob) {
  newest = blob;
  if (!drawing) draw();
}

async function draw() {
  drawing = true;
  while (newest) {
    const blob = newest;
    newest = null;
    const bitmap = await createImageBitmap(blob).catch(() => null);
    if (!bitmap) continue;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    paint.drawImage(bitmap, 0, 0);
    bitmap.close();
    drawn += 1;
    stage.dataset.link = "live";
  }
  drawing = false;
}

// --- what the page says ---

function greet(hello) {
  const { title, styles, keys: table, switches, help, picture, role, kiosk, unlock, values } = hello;
  greeting = hello;
  Object.assign(document.body.dataset, { role, kiosk });
  document.querySelector('#switches [data-verb="unlock"]').hidden = !unlock;
  $("values").replaceChildren(...values.filter(({ name }) => !PLACED.includes(name)).map(valueRow));
  document.title = title;
  $("title").textContent = title;
  keys = Object.fromEntries(table.flatMap((row) => row.keys.map((key) => [key, row.verb ?? "fullscreen"])));
  $("styles").replaceChildren(...styles.map(styleButton));
  for (const old of document.querySelectorAll("#switches .told")) old.remove();
  $("switches").prepend(...switches.map(switchButton));
  $("legend").replaceChildren(...help.flatMap(([names, label]) => {
    const term = document.createElement("dt");
    term.append(...names.replace("1 - 9", "1–9").split(/ +/).map(keycap));
    const what = document.createElement("dd");
    what.textContent = label;
    return [term, what];
  }));
  if (stage.dataset.link !== "live") {
    $("notice").textContent = picture ? "Waiting for the first picture …" : "Controls only: this run shows no picture here.";
  }
}

function source({ lost_for: seconds }) {
  $("lost").hidden = seconds === null;
  $("lost").textContent = `Camera lost for ${seconds} s, trying again …`;
}

function keycap(name) {
  const cap = document.createElement("kbd");
  cap.textContent = { left: "←", right: "→", esc: "Esc" }[name] ?? name;
  return cap;
}

function switchButton({ verb, text }) {
  const button = document.createElement("button");
  button.className = "told";
  button.dataset.verb = verb;
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${verb}`);
  icon.append(use);
  const label = document.createElement("span");
  label.textContent = text;
  button.append(icon, label);
  button.onclick = () => act(verb);
  return button;
}

function styleButton({ name, title, preview }, index) {
  const button = document.createElement("button");
  button.dataset.style = name;
  const swatch = document.createElement(preview ? "img" : "span");
  swatch.className = "swatch";
  if (preview) Object.assign(swatch, { src: `preview/${encodeURIComponent(name)}`, alt: "" });
  swatch.style.setProperty("--hue", [...name].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 360, 7));
  const label = document.createElement("span");
  label.textContent = title;
  button.append(swatch, label);
  if (index < 9) button.append(keycap(String(index + 1)));
  button.onclick = () => send({ style: name });
  return button;
}

// An input for a setting that has no button of its own.
function valueRow({ name, label, kind, range, choices }) {
  const row = document.createElement("label");
  const text = document.createElement("span");
  text.textContent = label[0].toUpperCase() + label.slice(1);
  let input;
  if (kind === "number") {
    input = Object.assign(document.createElement("input"), { type: "range", min: range[0], max: Math.min(range[1], 120), step: range[1] > 100 ? 5 : 0.05 });
    input.oninput = () => send({ [name]: Number(input.value) });
  } else if (kind === "switch") {
    input = Object.assign(document.createElement("input"), { type: "checkbox" });
    input.onchange = () => send({ [name]: input.checked });
  } else {
    input = document.createElement("select");
    const options = kind === "style" ? [["", "nothing"], ...greeting.styles.map((style) => [style.name, style.title])] : choices.map((choice) => [choice, choice]);
    input.append(...options.map(([value, shown]) => new Option(shown, value)));
    input.onchange = () => send({ [name]: kind === "style" ? input.value || null : choices[input.selectedIndex] });
  }
  input.dataset.value = name;
  const told = document.createElement("output");
  row.append(text, told, input);
  return row;
}

function reflectValues(state) {
  for (const input of document.querySelectorAll("[data-value]")) {
    const value = state[input.dataset.value];
    if (input.type === "checkbox") input.checked = value;
    else if (!input.matches(":active")) input.value = value ?? (input.type === "range" ? input.max : "");
    if (input.type === "range") input.previousSibling.textContent = value === null ? "auto" : Number(value.toFixed(2));
  }
}

function reflect(state) {
  reflectValues(state);
  canvas.classList.toggle("mirrored", Boolean(state.mirror_own));
  const moved = !current || state.style !== current.style;
  current = state;
  for (const button of $("styles").children) {
    const chosen = button.dataset.style === state.style;
    button.setAttribute("aria-pressed", chosen);
    if (chosen && moved && matchMedia("(min-width: 761px)").matches) button.scrollIntoView({ block: "nearest" });
  }
  for (const button of document.querySelectorAll("#switches .told")) {
    button.setAttribute("aria-pressed", state.on.includes(button.dataset.verb));
  }
  if (!$("strength").matches(":active")) $("strength").value = Math.round(state.strength * 100);
  $("strength-value").textContent = `${Math.round(state.strength * 100)} %`;
  describe();
}

function describe() {
  $("state").toggleAttribute("data-recording", Boolean(current?.recording));
  if (!current) { $("state").textContent = "not connected"; return; }
  const parts = stage.dataset.link === "live" ? [`${canvas.width} × ${canvas.height}`, `${rate} frames/s`] : [];
  if (effort) parts.push(effort);
  if (current.paused) parts.push("paused");
  if (recordingSince !== null) parts.push(`recorded ${Math.round((Date.now() - recordingSince) / 1000)} s`);
  $("state").textContent = parts.join("  ·  ");
}

// --- what was saved ---

function gather({ entries, recording_for: seconds, snapshot_problem: failed }) {
  const newest = entries[0];
  const before = saved?.[0]?.number ?? 0;
  const fresh = saved && newest && newest.number > before; // the first list tells no news
  const taken = entries.find(({ number, kind, mine }) => number > before && kind === "snapshot" && mine);
  saved = entries;
  recordingSince = seconds === null ? null : Date.now() - seconds * 1000;
  $("saved").replaceChildren(...entries.map(savedItem));
  if (waiting && taken) { waiting = false; photo(taken); }
  else if (waiting && failed) { waiting = false; toast(failed); }
  else if (fresh && newest.kind === "recording") toast(`Recorded: ${newest.name} is in the gallery`);
  describe();
}

function savedItem(entry) {
  const item = document.createElement(entry.kind === "snapshot" ? "button" : "a");
  if (entry.kind === "snapshot") {
    item.append(Object.assign(document.createElement("img"), { src: `saved/${entry.number}`, alt: entry.name, loading: "lazy" }));
    item.onclick = () => photo(entry);
  } else {
    Object.assign(item, { href: `saved/${entry.number}?download`, textContent: entry.name, className: "button" });
  }
  return item;
}

let photoTimer = 0;
function photo({ number, name, qr }) {
  $("photo-picture").src = `saved/${number}`;
  $("photo-download").href = `saved/${number}?download`;
  $("photo-download").download = name;
  $("photo-qr").hidden = !qr;
  if (qr) $("photo-qr").src = `qr/${number}.png`;
  $("photo-delete").onclick = async () => {
    const answer = await fetch(`saved/${number}`, { method: "DELETE" });
    toast(answer.ok ? "Deleted" : await answer.text());
    $("photo").close();
  };
  if (!$("photo").open) $("photo").showModal();
  clearTimeout(photoTimer);
  if (greeting?.kiosk) photoTimer = setTimeout(() => $("photo").close(), PHOTO_SHOWN);
}

let counting = 0;
function countdown() {
  if (counting) return;
  let left = COUNT;
  const tick = () => {
    $("countdown").hidden = left === 0;
    $("countdown").textContent = left;
    if (left > 0) { left -= 1; return; }
    clearInterval(counting);
    counting = 0;
    waiting = true;
    send({ verb: "snapshot" });
  };
  counting = setInterval(tick, 1000);
  tick();
}

let toastTimer = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("shown"), 2500);
}

// --- what the user does ---

// The page has its own dialogs for help and quit: no text is drawn on the picture, and quit asks first.
function act(verb) {
  if (verb === "help") $("help").showModal();
  else if (verb === "gallery" || verb === "unlock") $(verb).showModal();
  else if (verb === "snapshot") countdown();
  else if (verb === "quit") $("quit").showModal();
  else if (verb === "fullscreen") fullscreen();
  else if (verb) send({ verb });
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.body.requestFullscreen?.().catch(() => toast("This browser has no full screen here"));
}

function nameOf(event) {
  const named = { " ": "space", Escape: "esc", ArrowLeft: "left", ArrowRight: "right" };
  return named[event.key] ?? event.key.toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const onSlider = event.target === $("strength") && event.key.startsWith("Arrow");
  const onButton = event.target instanceof HTMLButtonElement && event.key === " ";
  const verb = keys[nameOf(event)];
  if (!verb || onSlider || onButton) return;
  event.preventDefault();
  act(verb);
});

for (const button of document.querySelectorAll("[data-verb]")) {
  button.addEventListener("click", () => act(button.dataset.verb));
}
$("strength").addEventListener("input", (event) => send({ strength: event.target.value / 100 }));
$("quit").addEventListener("close", (event) => {
  if (event.target.returnValue === "quit") send({ verb: "quit" });
  event.target.returnValue = "";
});
for (const dialog of [$("help"), $("gallery"), $("photo")]) {
  // a touch beside it closes it
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
document.addEventListener("keydown", (event) => {
  if (["h", "?"].includes(event.key) && $("help").open) { event.preventDefault(); event.stopPropagation(); $("help").close(); }
}, true);
$("unlock").addEventListener("close", async (event) => {
  const pin = $("pin").value;
  $("pin").value = "";
  if (event.target.returnValue !== "unlock") return;
  event.target.returnValue = "";
  const answer = await fetch("unlock", { method: "POST", body: JSON.stringify({ pin }) });
  if (answer.ok) location.reload();
  else toast(await answer.text());
});
let pointerTimer = 0;
document.addEventListener("pointermove", () => {
  document.body.classList.remove("idle");
  clearTimeout(pointerTimer);
  pointerTimer = setTimeout(() => document.body.classList.add("idle"), 3000);
});
document.addEventListener("visibilitychange", () => {
  // a hidden page costs nothing
  if (document.hidden) socket?.close();
  else { retry = RETRY_FIRST; connect(); }
});
setInterval(() => { rate = drawn; drawn = 0; describe(); }, 1000);
connect();
