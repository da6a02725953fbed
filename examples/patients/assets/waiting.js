// Keeps the waiting room, and the number beside its name on every page, as the server tells over a WebSocket.
const find = (name) => document.querySelector(`[data-waiting-${name}]`);
let pause = 500;

function place(arrival) {
  const item = find('place').content.firstElementChild.cloneNode(true);
  const name = item.querySelector('[data-name]');
  name.textContent = arrival.name;
  name.href = name.getAttribute('href').replace(/0$/, arrival.patient_id);
  item.querySelector('[data-at]').textContent = arrival.at.slice(-5);
  const form = item.querySelector('form'); // readers have none
  if (form) form.action = form.getAttribute('action').replace('/0/', `/${arrival.id}/`);
  return item;
}

function show({ waiting }) {
  find('count').textContent = waiting.length;
  find('count').hidden = !waiting.length;
  find('list')?.replaceChildren(...waiting.map(place));
  find('empty')?.toggleAttribute('hidden', waiting.length > 0);
}

function state(live) {
  const sign = find('state');
  if (sign) {
    sign.textContent = live ? 'Live' : 'Connecting again …';
    sign.classList.toggle('live', live);
  }
}

function connect() {
  const url = new URL(document.body.dataset.live, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  socket.onopen = () => {
    pause = 500;
    state(true);
  };
  socket.onmessage = (message) => show(JSON.parse(message.data));
  socket.onclose = () => {
    state(false);
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 15000);
  };
}

if (document.body.dataset.live) connect();
