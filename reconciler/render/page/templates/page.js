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
    home: element.parentElement,
    states: element.dataset.s.trim().split(" "),
    text: null,
  }));
  let opened = false;
  const counted = names ? rows.filter((row) => names.contains(row.element)) : rows;
  const parts = fleets.flatMap((fleet) => [...all("tbody", fleet), fleet]);
  const groups = new Map();
  for (const { home } of rows) if (!groups.has(home)) groups.set(home, (home.querySelector(":scope>.group") || {}).textContent || "");
  const text = (row) => `${row.element.textContent} ${groups.get(row.home)}`.toLowerCase();

  const chosen = () => (location.hash.match(/^#state-([a-z-]+)$/) || [])[1] || "all";
  const apply = () => {
    const state = chosen();
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const filters = state !== "all" || words.length > 0;
    for (const row of rows) {
      if (words.length && row.text === null) row.text = text(row);
      const fits = (state === "all" || row.states.includes(state)) && words.every((word) => row.text.includes(word));
      row.element.classList.toggle("out", !fits);
    }
    for (const part of parts) part.classList.toggle("out", !part.querySelector("[data-s]:not(.out)"));
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.filter === state));
    const shown = counted.filter((row) => !row.element.classList.contains("out")).length;
    if (nothing) nothing.hidden = shown > 0 || !rows.length;
    if (names && opened !== filters) opened = names.open = filters;
    hits.textContent = filters ? `${shown.toLocaleString("en")} of ${counted.length.toLocaleString("en")} shown` : "";
  };

  for (const chip of chips) {
    chip.setAttribute("role", "button");
    const press = (event) => {
      event.preventDefault();
      const at = window.scrollY;
      location.hash = chip.getAttribute("aria-pressed") === "true" ? "all" : chip.getAttribute("href").slice(1);
      window.scrollTo(0, at);
      chip.focus({ preventScroll: true }); // the new address took it away
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
    if (time) return time.dateTime;
    if (cell.matches(".num")) return cell.textContent.replaceAll(",", "");
    return cell.querySelector(":scope > .none") ? null : cell.textContent.trim();
  };
  for (const head of all("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      const sort = next === undefined ? "ascending" : next;
      for (const other of all("[aria-sort]", head.parentElement)) other.removeAttribute("aria-sort");
      if (sort) head.setAttribute("aria-sort", sort);
      const table = head.closest("table");
      const column = Number(head.dataset.sort);
      const own = rows.filter((row) => table.contains(row.home)).map((row) => [sort && key(row.element, column), row]);
      const way = sort === "ascending" ? 1 : -1;
      const compare = ([one], [other]) =>
        one === null || other === null ? (one === null) - (other === null) : order.compare(one, other) * way;
      if (sort) own.sort(compare); // what is not known comes last, both ways
      for (const [, row] of own) (sort ? table.tBodies[0] : row.home).append(row.element);
      table.classList.toggle("flat", Boolean(sort));
      apply();
    });
  }

  search.hidden = false;
  apply();
})();
