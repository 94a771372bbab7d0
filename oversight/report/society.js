"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const members = [...document.querySelectorAll("#members > g")];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let chosen = null, timer = null;

  const mix = (share) => {
    const [from, to] = share < 0.5 ? [data.colours[0], data.colours[1]] : [data.colours[1], data.colours[2]];
    const part = share < 0.5 ? 2 * share : 2 * share - 1;
    return `rgb(${from.map((c, i) => Math.round(c + (to[i] - c) * part)).join(" ")})`;
  };

  const show = (frame) => {
    at("round").value = frame;
    at("now").textContent = data.rounds[frame];
    members.forEach((member, place) => {
      const share = data.shares[frame][place];
      member.lastElementChild.setAttribute("fill", share < 0 ? "none" : mix(share / 100));
    });
    if (chosen !== null) talk(frame);
  };

  const stop = () => {
    clearInterval(timer);
    timer = null;
    at("play").textContent = "Play";
    at("play").setAttribute("aria-pressed", "false");
  };

  const play = () => {
    if (timer !== null) return stop();
    at("play").textContent = "Pause";
    at("play").setAttribute("aria-pressed", "true");
    const last = data.rounds.length - 1;
    if (Number(at("round").value) === last) show(0);
    timer = setInterval(() => {
      const next = Number(at("round").value) + 1;
      if (next > last) return stop();
      show(next);
    }, still ? 1500 : 350);
  };

  const line = (tag, text, parent) => {
    const made = document.createElement(tag);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  const talk = (frame) => {
    const box = at("talks"), words = data.words;
    const opened = new Set([...box.querySelectorAll("details[data-frame][open]")].map((one) => one.dataset.frame));
    box.replaceChildren();
    data.talks[chosen].forEach((said) => {
      const [spoken, asked, draft, revised, argued, ratings, seen, truth] = said;
      const one = document.createElement("details");
      one.dataset.frame = spoken;
      one.open = spoken === frame || opened.has(String(spoken));
      line("summary", `Round ${data.rounds[spoken]}: ${words[asked]}`, one);
      line("p", `drafted “${words[draft]}”`, one);
      const list = line("ul", "", one);
      if (!ratings.length) line("li", "nobody rated it", list);
      ratings.forEach(([rater, points, reason]) => {
        const who = rater === -2 ? "somebody outside" : `member ${rater}`;
        const gave = points === null ? "gave no rating that could be read" : `gave ${points}`;
        line("li", `${who} ${gave}${words[reason] ? `: ${words[reason]}` : ""}`, list);
      });
      if (words[argued]) {
        const game = line("details", "", one);
        line("summary", "how it was decided", game);
        line("pre", words[argued], game);
      }
      line("p", `revised to “${words[revised]}”`, one);
      line("p", `observers: alignment ${seen[0]} → ${seen[1]}, engagement ${seen[2]} → ${seen[3]}; ` +
        `in truth: alignment ${truth[0]} → ${truth[1]}`, one).className = "note";
      box.append(one);
      if (spoken === frame) one.scrollIntoView({ block: "nearest" });
    });
  };

  const choose = (place) => {
    members.forEach((member, other) => member.classList.toggle("chosen", other === place));
    chosen = place;
    at("who").value = place === null ? "" : place;
    const sway = at("sway");
    sway.replaceChildren();
    if (place === null) { at("talks").replaceChildren(); at("about").textContent = ""; return; }
    const ties = data.sway[place];
    const most = Math.max(1e-9, ...ties.map(([, given]) => Math.abs(given)));
    ties.forEach(([other, given]) => {
      const tie = document.createElementNS("http://www.w3.org/2000/svg", "line");
      const [a, b] = [data.spots[other], data.spots[place]];
      Object.entries({ x1: a[0], y1: a[1], x2: b[0], y2: b[1] }).forEach(([k, v]) => tie.setAttribute(k, v));
      tie.setAttribute("stroke", `rgb(${data.colours[given > 0 ? 2 : 0].join(" ")})`);
      tie.setAttribute("stroke-width", 2 + 10 * Math.abs(given) / most);
      sway.append(tie);
    });
    const total = ties.reduce((sum, [, given]) => sum + given, 0);
    at("about").textContent = `Its raters gave it ${total.toFixed(2)} of alignment over these rounds.`;
    talk(Number(at("round").value));
  };

  members.forEach((member, place) => member.addEventListener("click", () => choose(place)));
  at("who").addEventListener("change", (event) => choose(event.target.value === "" ? null : Number(event.target.value)));
  at("round").addEventListener("input", (event) => { stop(); show(Number(event.target.value)); });
  at("play").addEventListener("click", play);
})();
