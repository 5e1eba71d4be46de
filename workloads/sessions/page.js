const answers = [];
const colours = new Map();

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
  $("#cart").replaceChildren(...cart.map(line));
  $("#total").textContent = money(total_cents);
  $("#shelf").replaceChildren(...shelf.map((item) => offer(item, cart)));
}

function line({ item, name, quantity, price_cents }) {
  const fewer = () => put(item, quantity - 1);
  return element("tr", {},
    element("th", { scope: "row" }, name),
    element("td", { class: "number" }, `${quantity} `,
      element("button", { type: "button", class: "plain", "aria-label": `One ${name} fewer`, onclick: fewer }, "−")),
    element("td", { class: "number" }, money(price_cents * quantity)));
}

function offer({ item, name, price_cents }, cart) {
  const quantity = cart.find((line) => line.item === item)?.quantity ?? 0;
  const more = () => put(item, quantity + 1);
  return element("li", { class: "row spread" },
    element("span", {}, name, " ", element("span", { class: "soft" }, money(price_cents))),
    element("button", { type: "button", "aria-label": `Add ${name}`, onclick: more }, "Add"));
}

const send = (path, method, body) => attempt(async () => {
  note(await call(path, method, body));
  await show();
});
const put = (item, quantity) => send("api/cart", "PUT", { item, quantity });

$("#ask").addEventListener("click", () => attempt(show));
$("#login").addEventListener("submit", (event) => {
  event.preventDefault();
  send("api/login", "POST", { user: $("#user").value.trim() });
});
$("#logout").addEventListener("click", () => send("api/logout", "POST", {}));
$("#logout-everywhere").addEventListener("click", () => send("api/logout-everywhere", "POST", {}));

await attempt(show);
