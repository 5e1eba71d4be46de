const $ = (selector) => document.querySelector(selector);
const numbers = new Intl.NumberFormat("en");
const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "USD" });

/** Call the application; its error messages are thrown. */
async function call(path, method = "GET", body = undefined) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!answer.headers.get("content-type")?.startsWith("application/json")) throw new Error(await answer.text());
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

/** Run a task that may fail. The error is shown at the top of the page until a task of the same kind succeeds. */
async function attempt(task, kind = "asked for") {
  try {
    const result = await task();
    if ($("#notice").dataset.kind === kind) $("#notice").textContent = "";
    return result;
  } catch (error) {
    $("#notice").textContent = error instanceof TypeError ? "The application does not answer." : error.message;
    $("#notice").dataset.kind = kind;
    return undefined;
  }
}

/** Repeat a task while the page is visible, with a pause after each run. */
async function keep(task, milliseconds) {
  for (;;) {
    if (!document.hidden) await attempt(task, "by itself");
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

/** An element with attributes and children; text never becomes markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
