// What the console does beyond plain pages. Everything works without it (templates/, DESIGN §12).
// It never sends anything to another origin and keeps nothing in the browser.
"use strict";

const ANNOUNCE_MS = 10_000; // a screen reader hears of new episodes at most so often (WCAG 2.2.2, 4.1.3)
let known = new Set();
let fresh = 0;
let announcedAt = Date.now();

const rows = () => document.getElementById("rows");
const episodes = () => [...document.querySelectorAll("#rows [data-episode]")].map((row) => row.dataset.episode);

// While a person reads or works inside the list, it does not move under their eyes.
function held() {
  const list = rows();
  if (!list) return false;
  const focused = document.activeElement;
  return Boolean(list.querySelector("details[open]")) || (focused !== list && list.contains(focused));
}

function showHeld(is) {
  const state = document.getElementById("live-state");
  if (!state) return;
  state.querySelector("[data-live-on]")?.toggleAttribute("hidden", is);
  state.querySelector("[data-live-held]")?.toggleAttribute("hidden", !is);
  state.classList.toggle("is-held", is);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "rows") return;
  const is = held();
  showHeld(is);
  if (is) event.preventDefault();
});

document.addEventListener("htmx:afterSettle", () => {
  for (const episode of episodes()) {
    if (!known.has(episode)) {
      known.add(episode);
      fresh += 1;
    }
  }
  const place = document.getElementById("announcement");
  if (place && fresh > 0 && Date.now() - announcedAt > ANNOUNCE_MS) {
    place.textContent = (fresh === 1 ? place.dataset.one : place.dataset.many).replace("{count}", String(fresh));
    fresh = 0;
    announcedAt = Date.now();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) window.print();
});

document.addEventListener("DOMContentLoaded", () => {
  known = new Set(episodes());
});
