// Puts requests on the page as they come. What comes is HTML that the sandbox made, with everything of others escaped.
"use strict";
const list = document.getElementById("list");
const state = document.getElementById("state");
const KEPT = 500;
const local = (place) => {
  for (const time of place.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString(document.documentElement.lang);
  }
};
local(document);
if (list && window.EventSource) {
  const source = new EventSource(`${list.dataset.events}&after=${list.dataset.last}`);
  source.addEventListener("open", () => {
    state.textContent = state.dataset.on;
    state.classList.add("on");
  });
  source.addEventListener("error", () => {
    state.textContent = state.dataset.off;
    state.classList.remove("on");
  });
  source.addEventListener("request", (event) => {
    const made = document.createElement("template");
    made.innerHTML = event.data;
    const row = made.content.firstElementChild;
    if (!row || document.getElementById(row.id)) return;
    local(row);
    document.getElementById("none").hidden = true;
    list.prepend(row);
    while (list.children.length > KEPT) list.lastElementChild.remove();
  });
}
