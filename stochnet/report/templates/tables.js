"use strict";
// Sorts tables by their headings, filters their rows, and shows a page of them at a time.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const tools = table.id ? [...document.querySelectorAll(`[data-for="${table.id}"]`)] : [];
  const field = (name) => tools.map((one) => one.querySelector(`[name="${name}"]`)).find(Boolean);
  const [text, layer, differs] = ["text", "layer", "differs"].map(field);
  const count = tools.map((one) => one.querySelector("output")).find(Boolean);
  const page = Number(table.dataset.rows ?? Infinity);
  let order = rows;
  let most = page;

  // What is shown is what is sorted by; a dash is no number.
  const words = (row, k) => row.cells[k].textContent.trim();
  const number = (row, k) => parseFloat(words(row, k).replace(/[,<]/g, "").replaceAll("−", "-"));

  function compare(k, sign) {
    if ("text" in heads[k].dataset) {
      return (a, b) => sign * words(a, k).localeCompare(words(b, k), "en", { numeric: true });
    }
    return (a, b) => {
      const [x, y] = [number(a, k), number(b, k)];
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
      return sign * (x - y);
    };
  }

  const contents = new Map(
    rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase()]),
  );

  function fits(row) {
    const wanted = (text?.value ?? "").trim().toLowerCase().split(/\s+/);
    return (
      wanted.every((word) => contents.get(row).includes(word)) &&
      (!layer?.value || words(row, 0) === layer.value) &&
      (!differs?.checked || row.querySelector(".differs") !== null)
    );
  }

  function show() {
    body.append(...order);
    let found = 0;
    for (const row of order) {
      const fit = fits(row);
      found += fit;
      row.hidden = !fit || found > most;
      row.classList.remove("later");
    }
    if (count) {
      const shown = Math.min(found, most);
      count.textContent = found ? `${shown} of ${found} nodes are shown.` : "No node fits.";
    }
    for (const one of tools) {
      for (const button of one.querySelectorAll("button")) button.hidden = found <= most;
    }
  }

  function sortBy(k) {
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    const state = next[heads[k].getAttribute("aria-sort")];
    for (const head of heads) head.setAttribute("aria-sort", "none");
    heads[k].setAttribute("aria-sort", state);
    table.classList.toggle("sorted", state !== "none");
    order = state === "none" ? rows : rows.toSorted(compare(k, state === "ascending" ? 1 : -1));
    show();
  }

  heads.forEach((head, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(k));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
  for (const one of tools) {
    one.hidden = false;
    one.addEventListener("input", () => {
      most = page;
      show();
    });
    for (const button of one.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        most += Number(button.dataset.more);
        show();
      });
    }
  }
  show();
}
