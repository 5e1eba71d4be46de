const NAMES = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Frances", "Dennis", "Margaret", "Tony"];

const submit = (player, score) => call("api/scores", "PUT", { player, score });

const wanted = () => [$("#windows :checked").value, $("#player").value.trim()];

async function refresh() {
  const start = performance.now();
  const [window, player] = wanted();
  const { top, players, you, around } = await call(`api/boards/${window}?player=${encodeURIComponent(player)}`);
  if (String(wanted()) !== String([window, player])) return; // another one was chosen, and may have been answered first
  tile("#wait", `${(performance.now() - start).toFixed(1)} ms`);
  tile("#rank", you === null ? "–" : numbers.format(you.rank));
  $("#rank-of").textContent = you === null ? "no score yet" : `of ${numbers.format(players)}`;
  tile("#best", you === null ? "–" : numbers.format(you.score));
  tile("#players", numbers.format(players));
  const rows = (standings) => standings.map((standing) => row(standing, standing.player === player));
  $("#top").replaceChildren(...rows(top));
  $("#around").replaceChildren(...rows(around));
}

function row({ rank, player, score }, you) {
  return element("tr", { class: you ? "you" : undefined },
    element("td", { class: "number" }, numbers.format(rank)),
    element("td", {}, player),
    element("td", { class: "number" }, numbers.format(score)));
}

function tile(selector, text) {
  $(selector).firstChild.data = text;
}

async function play() {
  while ($("#others").checked) {
    const player = `${NAMES[Math.floor(Math.random() * NAMES.length)]} ${1 + Math.floor(Math.random() * 50)}`;
    const score = Math.floor(1000 * Math.random() ** 2);
    await attempt(() => submit(player, score));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

$("#submit").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await submit($("#player").value.trim(), Number($("#score").value));
    await refresh();
  });
});
$("#windows").addEventListener("change", () => attempt(refresh));
$("#others").addEventListener("change", play);
keep(refresh, 1000);
