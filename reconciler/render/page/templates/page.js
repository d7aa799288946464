"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const fleets = all(".fleet");
  const search = document.querySelector(".search");
  if (!fleets.length || !search) return;
  const input = search.querySelector("input");
  const hits = search.querySelector(".hits");
  const nothing = document.querySelector(".nothing");
  const chips = all("[data-filter]");
  const names = document.querySelector(".names");
  const rows = fleets.flatMap((fleet) => all("[data-s]", fleet)).map((element) => ({
    element,
    states: element.dataset.s.trim().split(" "),
    text: null,
  }));
  let opened = false;
  const bodies = fleets.flatMap((fleet) => all("tbody", fleet));

  const chosen = () => (location.hash.match(/^#state-([a-z-]+)$/) || [])[1] || "all";
  const apply = () => {
    const state = chosen();
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      if (words.length && row.text === null) row.text = row.element.textContent.toLowerCase();
      const fits = (state === "all" || row.states.includes(state)) && words.every((word) => row.text.includes(word));
      row.element.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const body of bodies) body.hidden = !body.querySelector("[data-s]:not([hidden])");
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.filter === state));
    const filters = state !== "all" || words.length > 0;
    if (nothing) nothing.hidden = shown > 0;
    if (names && opened !== words.length > 0) opened = names.open = words.length > 0;
    hits.textContent = filters ? `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown` : "";
  };

  for (const chip of chips) {
    chip.setAttribute("role", "button");
    const press = (event) => {
      event.preventDefault();
      const at = window.scrollY;
      location.hash = chip.getAttribute("aria-pressed") === "true" ? "all" : chip.getAttribute("href").slice(1);
      window.scrollTo(0, at);
      apply();
    };
    chip.addEventListener("click", press);
    chip.addEventListener("keydown", (event) => {
      if (event.key === " ") press(event);
    });
  }
  window.addEventListener("hashchange", apply);
  input.addEventListener("input", apply);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
    if (event.key === "Escape" && document.activeElement === input) {
      input.value = "";
      apply();
    }
  });

  const order = new Intl.Collator("en", { numeric: true });
  const key = (row, column) => {
    const cell = row.cells[column];
    const time = cell.querySelector("time");
    return time ? time.dateTime : cell.textContent.trim();
  };
  for (const head of all("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of all("[aria-sort]", head.parentElement)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const column = Number(head.dataset.sort);
      for (const body of head.closest("table").tBodies) {
        const sorted = all(":scope>[data-s]", body).map((row) => [key(row, column), row]);
        sorted.sort((one, other) => order.compare(one[0], other[0]) * (up ? 1 : -1));
        body.append(...sorted.map((pair) => pair[1]));
      }
    });
  }

  search.hidden = false;
  apply();
})();
