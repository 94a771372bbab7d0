"use strict";
// Shows the turn that waits and sends the reply. All text enters the page as text, never as HTML;
// the world's picture is the one exception, which the server makes itself.

const at = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
};
let shown = null; // the turn on the page
let read = () => null; // what the form says now

async function poll() {
  try {
    const answer = await fetch("turn", { cache: "no-store" });
    const held = await answer.json();
    at("progress").textContent = held.over
      ? "all games are over: you can close this page"
      : `${held.answered} answered, ${held.waiting} waiting`;
    if (held.turn === null) clear(held.over);
    else if (shown === null || held.turn.turn !== shown.turn) show(held.turn);
    if (held.over) return;
  } catch {
    at("progress").textContent = "the games are not running: start the command again to go on";
  }
  setTimeout(poll, 400);
}

function clear(over) {
  shown = null;
  at("form").hidden = true;
  at("material-section").hidden = true;
  at("seat").textContent = "";
  at("side").textContent = "";
  at("question").textContent = over ? "Thank you: all games are over." : "Waiting for the others …";
  at("transcript").replaceChildren();
}

function show(turn) {
  shown = turn;
  document.title = `${turn.seat}: ${turn.act}`;
  at("seat").textContent = turn.seat;
  at("question").textContent = turn.question;
  at("side").textContent = turn.side === null ? ""
    : `You argue ${turn.side.supports ? "for" : "against"}: ${turn.answers[turn.side.answer]}`;
  const seats = [...new Set(turn.transcript.map((said) => said.seat))];
  at("transcript").replaceChildren(...turn.transcript.map((said) => message(said, seats)));
  if (!turn.transcript.length) at("transcript").append(make("li", {}, "Nothing has been said yet."));
  at("material-section").hidden = !turn.material && !turn.picture;
  at("seen").textContent = turn.material ? "Only experts see this" : "What you see";
  at("picture").innerHTML = turn.picture;
  at("material").textContent = turn.material;
  at("instruction").textContent = turn.instruction;
  at("problem").textContent = "";
  at("reply").replaceChildren(...form(turn));
  at("form").hidden = false;
  at("reply").querySelector("textarea, input")?.focus();
}

function message(said, seats) {
  const item = make("li", {},
    make("div", { className: "who", textContent: `${said.seat}, ${said.act}` }),
    make("div", { className: "said" }, ...quotes(said.text)));
  item.style.setProperty("--seat", `var(--line-${seats.indexOf(said.seat) % 6})`);
  return item;
}

// The marks of checked quotations come from the game: agents' own were taken out before.
function quotes(text) {
  return text.split(/(<[vu]_quote>.*?<\/[vu]_quote>)/s).map((part) => {
    const found = part.match(/^<([vu])_quote>(.*)<\/\1_quote>$/s);
    if (!found) return document.createTextNode(part);
    const real = found[1] === "v";
    return make("mark", {
      className: real ? "true" : "untrue", textContent: `“${found[2]}”`,
      title: real ? "found in the passage" : "not found in the passage",
    });
  });
}

function form(turn) {
  const reply = turn.reply;
  at("keys").textContent = reply.kind === "write" ? "Ctrl+Enter sends" : "Tab and the arrows move, Enter sends";
  return { credences, choose, pick, number, write }[reply.kind](turn, reply);
}

function credences(turn, reply) {
  const values = turn.answers.map(() => 100 / reply.n);
  const rows = turn.answers.map((answer, place) => {
    const slider = make("input", { type: "range", min: 0, max: 100, step: 1, id: `p${place}` });
    const output = make("output", { htmlFor: `p${place}` });
    slider.addEventListener("input", () => { move(place, Number(slider.value)); draw(); });
    const row = make("div", { className: "credence" },
      make("label", { htmlFor: `p${place}`, textContent: answer }), slider, output);
    return { row, slider, output };
  });
  // One slider moves; the others share what is left as they did before.
  const move = (place, value) => {
    const rest = values.reduce((sum, v, i) => (i === place ? sum : sum + v), 0);
    values.forEach((v, i) => {
      if (i !== place) values[i] = (100 - value) * (rest > 0 ? v / rest : 1 / (reply.n - 1));
    });
    values[place] = value;
  };
  const draw = () => rows.forEach(({ slider, output }, i) => {
    slider.value = values[i];
    slider.setAttribute("aria-valuetext", `${values[i].toFixed(0)} percent`);
    output.textContent = `${values[i].toFixed(0)} %`;
  });
  draw();
  read = () => {
    const total = values.reduce((sum, v) => sum + v, 0);
    return values.map((v) => v / total);
  };
  return rows.map(({ row }) => row);
}

function options(reply, kind) {
  const label = (option) => (reply.names ? reply.names[option] : String(option));
  return reply.options.map((option, place) => make("label", { className: "option" },
    make("input", { type: kind, name: "option", value: option, checked: kind === "radio" && place === 0 }),
    ` ${label(option)}`));
}

function choose(_, reply) {
  const made = options(reply, "radio");
  if (reply.of) made.unshift(make("p", { textContent: `Numbers stand for ${reply.of}.` }));
  if (reply.silence) {
    made.push(make("label", { className: "option" },
      make("input", { type: "radio", name: "option", value: "", checked: !made.length }), " say nothing"));
  }
  read = () => {
    const chosen = at("reply").querySelector("input:checked");
    return chosen && chosen.value !== "" ? Number(chosen.value) : null;
  };
  return made;
}

function pick(_, reply) {
  read = () => [...at("reply").querySelectorAll("input:checked")].map((box) => Number(box.value));
  return [make("p", { textContent: `At most ${reply.most}, in this order.` }), ...options(reply, "checkbox")];
}

function number(_, reply) {
  const field = make("input", {
    type: "number", min: reply.low, max: reply.high, step: "any", required: true,
    ariaLabel: `a number from ${reply.low} to ${reply.high}`,
  });
  read = () => Number(field.value);
  return [make("p", { textContent: `A number from ${reply.low} to ${reply.high}.` }), field];
}

function write(_, reply) {
  const field = make("textarea", { maxLength: reply.limit, ariaLabel: "your words" });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("form").requestSubmit();
  });
  read = () => (field.value === "" && reply.silence ? null : field.value);
  return [field, make("small", { textContent: `at most ${reply.limit} characters` })];
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (shown === null) return;
  at("send").disabled = true;
  try {
    const answer = await fetch("reply", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ turn: shown.turn, reply: read() }),
    });
    if (answer.ok) clear(false);
    else at("problem").textContent = (await answer.json()).error;
  } catch {
    at("problem").textContent = "not sent: the games are not running";
  }
  at("send").disabled = false;
});

at("hide").addEventListener("click", () => {
  const hidden = !at("material").hidden;
  at("material").hidden = at("picture").hidden = hidden;
  at("hide").textContent = hidden ? "show" : "hide";
  at("hide").setAttribute("aria-expanded", String(!hidden));
});

poll();
