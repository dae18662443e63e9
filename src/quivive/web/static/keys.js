// Single-key shortcuts: j and k move, e and m go to a control, ? shows the list. They only move the focus: no key sends
// or concludes anything. Off with one link in the footer (WCAG 2.1.4); everything works without this file.
"use strict";

const TYPING = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";

function shown(element) {
  return Boolean(element) && element.getClientRects().length > 0;
}

function go(element) {
  if (!shown(element)) return false;
  element.focus();
  element.scrollIntoView({ block: "nearest" });
  return true;
}

function move(step) {
  const items = [...document.querySelectorAll("[data-key-item]")].filter(shown);
  if (items.length === 0) return false;
  const at = items.indexOf(document.activeElement);
  if (at < 0) return go(items[step > 0 ? 0 : items.length - 1]);
  return go(items[Math.min(Math.max(at + step, 0), items.length - 1)]);
}

function help() {
  const dialog = document.getElementById("keys-help");
  if (!dialog || dialog.open) return false;
  dialog.showModal();
  return true;
}

const ACTIONS = {
  j: () => move(1),
  k: () => move(-1),
  e: () => go(document.querySelector("[data-key=e]")),
  m: () => go(document.querySelector("[data-key=m]")),
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.keys !== "on" || event.defaultPrevented) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.(TYPING)) return;
  if (document.querySelector("dialog[open]")) return;
  const action = ACTIONS[event.key];
  if (action && action()) event.preventDefault();
});
