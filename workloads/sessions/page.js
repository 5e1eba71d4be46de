const answers = [];
const colours = new Map();
let quantities = new Map();
let last = Promise.resolve();

/** Note which process gave the answer. */
function note({ process }) {
  if (!colours.has(process)) colours.set(process, colours.size % 2 === 0 ? "first" : "second");
  answers.push(process);
}

/** Show the state as the next process sees it. */
async function show() {
  const state = await call("api/session");
  note(state);
  const { fingerprint, user, cart, total_cents, shelf } = state;
  $("#answers").replaceChildren(
    ...answers.slice(-12).map((process) => element("li", { class: `pill ${colours.get(process)}` }, `process ${process}`)),
  );
  $("#session").textContent = fingerprint === null
    ? "No session yet: nothing has been kept."
    : `Session ${fingerprint}, served by ${colours.size} process${colours.size === 1 ? "" : "es"} so far.`;
  $("#login").hidden = user !== null;
  $("#logged-in").hidden = user === null;
  $("#who").textContent = user ?? "";
  quantities = new Map(cart.map(({ item, quantity }) => [item, quantity]));
  $("#cart").replaceChildren(...cart.map(line));
  $("#total").textContent = money(total_cents);
  $("#shelf").replaceChildren(...shelf.map(offer));
}

function line({ item, name, quantity, price_cents }) {
  const fewer = () => add(item, -1);
  return element("tr", {},
    element("th", { scope: "row" }, name),
    element("td", { class: "number" }, `${quantity} `,
      element("button", { type: "button", class: "plain", "aria-label": `One ${name} fewer`, onclick: fewer }, "−")),
    element("td", { class: "number" }, money(price_cents * quantity)));
}

function offer({ item, name, price_cents }) {
  const more = () => add(item, 1);
  return element("li", { class: "row spread" },
    element("span", {}, name, " ", element("span", { class: "soft" }, money(price_cents))),
    element("button", { type: "button", "aria-label": `Add ${name}`, onclick: more }, "Add"));
}

/** Run a task after those before it: the first answer sets the cookie, and a quantity depends on the last answer. */
const inTurn = (task) => (last = last.then(() => attempt(task)));
const send = (path, method, body) => inTurn(async () => {
  note(await call(path, method, body()));
  await show();
});
const add = (item, more) => send("api/cart", "PUT", () => ({
  item,
  quantity: Math.max(0, (quantities.get(item) ?? 0) + more),
}));

$("#ask").addEventListener("click", () => inTurn(show));
$("#login").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = $("#user").value.trim();
  send("api/login", "POST", () => ({ user }));
});
$("#logout").addEventListener("click", () => send("api/logout", "POST", () => ({})));
$("#logout-everywhere").addEventListener("click", () => send("api/logout-everywhere", "POST", () => ({})));

await inTurn(show);
