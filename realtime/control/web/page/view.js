// The bare picture, for a browser source in OBS: draws the newest, and connects again by itself.

const canvas = document.getElementById("picture");
const paint = canvas.getContext("2d", { alpha: false });
const RETRY = 1000; // milliseconds

let newest = null; // the picture to draw next; older ones are skipped
let drawing = false;

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.binaryType = "blob";
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") return;
    newest = data;
    if (!drawing) draw();
  };
  socket.onclose = () => setTimeout(connect, RETRY);
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
  }
  drawing = false;
}

connect();
