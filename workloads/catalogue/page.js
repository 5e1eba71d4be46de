const SHOPPERS = 8;
const PRODUCTS = 1000;
const shown = { asked: null, product: null, waits: [], count: 0 };
const samples = [];

const mode = () => ($("#cache").checked ? "" : "?cache=off");

async function measured(path) {
  const start = performance.now();
  const value = await call(path);
  shown.count += 1;
  shown.waits = [...shown.waits.slice(-99), performance.now() - start];
  return value;
}

async function showProduct(id) {
  shown.asked = id;
  draw(await measured(`api/products/${id}${mode()}`));
}

function draw(product) {
  if (product.id !== shown.asked) return; // another product was chosen, and may have been answered first
  shown.product = product.id;
  $("#name").textContent = product.name;
  $("#about").textContent = product.rating === null
    ? `${product.category}, no reviews yet`
    : `${product.category}, ${product.rating.toFixed(1)} of 5 stars by ${product.reviews} customers`;
  $("#price").textContent = money(product.price_cents);
  $("#also-liked").replaceChildren(...product.also_liked.map(pick));
  $("#detail").hidden = false;
  for (const button of document.querySelectorAll("#products button")) {
    if (Number(button.dataset.id) === product.id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function pick({ id, name }) {
  const show = () => attempt(() => showProduct(id));
  return element("li", {}, element("button", { type: "button", "data-id": id, onclick: show }, name));
}

async function showCategory() {
  const category = $("#category").value;
  const products = await measured(`api/categories/${encodeURIComponent(category)}/products${mode()}`);
  if ($("#category").value !== category) return; // another category was chosen, and may have been answered first
  $("#category-title").textContent = `${products.length} of ${category.toLowerCase()}`;
  $("#products").replaceChildren(...products.map(pick));
}

/** Zipf distribution: the n-th product is requested 1/n times as often as the first. */
const weights = Array.from({ length: PRODUCTS }, (_, place) => 1 / (place + 1));
const whole = weights.reduce((sum, weight) => sum + weight, 0);

function wanted() {
  let left = Math.random() * whole;
  return 1 + weights.findIndex((weight) => (left -= weight) <= 0);
}

async function shop() {
  while ($("#shoppers").checked) {
    if ((await attempt(() => measured(`api/products/${wanted()}${mode()}`))) === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function sample() {
  const { cache, database, switch: offered } = await call("api/figures");
  $("#cache").closest("label").hidden = !offered;
  const reads = cache.hits + cache.stale + cache.misses;
  samples.push({ at: performance.now(), shown: shown.count, queries: database.queries, reads, hits: cache.hits + cache.stale });
  samples.splice(0, Math.max(0, samples.length - 61));
  const last = samples.at(-1);
  const before = samples.at(Math.max(0, samples.length - 6));
  const seconds = Math.max(1, last.at - before.at) / 1000;
  const share = last.reads > before.reads ? (last.hits - before.hits) / (last.reads - before.reads) : undefined;
  tile("#hit-rate", share === undefined ? "–" : `${(share * 100).toFixed(1)} %`);
  tile("#queries", `${numbers.format(Math.round((last.queries - before.queries) / seconds))} /s`);
  $("#queries-all").textContent = `${numbers.format(database.queries)} since the start`;
  tile("#shown", `${numbers.format(Math.round((last.shown - before.shown) / seconds))} /s`);
  const waits = [...shown.waits].sort((a, b) => a - b);
  tile("#wait", waits.length === 0 ? "–" : `${waits[Math.floor(waits.length / 2)].toFixed(1)} ms`);
  $("#state").textContent = cache.down ? "down, the database serves" : "up";
  $("#state").className = `pill ${cache.down ? "bad" : "good"}`;
  chart();
}

function tile(selector, text) {
  $(selector).firstChild.data = text;
}

function chart() {
  const perSecond = (field) => samples.slice(1).map((sample, place) => {
    const before = samples[place];
    return ((sample[field] - before[field]) * 1000) / Math.max(1, sample.at - before.at);
  });
  const lines = { "#line-shown": perSecond("shown"), "#line-queries": perSecond("queries") };
  const highest = Math.max(10, ...Object.values(lines).flat());
  for (const [selector, values] of Object.entries(lines)) {
    const left = 60 - values.length;
    $(selector).setAttribute("points", values.map((value, place) => `${left + place + 0.5},${30 - (29 * value) / highest}`).join(" "));
  }
  $("#chart-text").textContent = `per second, in the last minute; the highest is ${numbers.format(Math.round(highest))}`;
}

$("#category").addEventListener("change", () => attempt(showCategory));
$("#shoppers").addEventListener("change", () => {
  if ($("#shoppers").checked) Array.from({ length: SHOPPERS }, shop);
});
$("#change").addEventListener("submit", (event) => {
  event.preventDefault();
  const cents = Math.round(Number($("#dollars").value) * 100);
  shown.asked = shown.product;
  attempt(async () => draw(await call(`api/products/${shown.product}/price`, "PUT", { price_cents: cents })));
});

await attempt(async () => {
  const categories = await call("api/categories");
  $("#category").replaceChildren(...categories.map((category) => element("option", {}, category)));
  await showCategory();
});
keep(sample, 1000);
