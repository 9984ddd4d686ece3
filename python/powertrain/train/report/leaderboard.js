"use strict";

// Tables of the class sortable: a button in each head sorts by its column, and turns the order when it is pressed again.
// A cell may have its number in data-value. What is empty stays last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, at) => row.cells[at].dataset.value ?? row.cells[at].textContent;

  const sort = (at) => {
    const down = heads[at].ariaSort !== "descending";
    const numbers = [...body.rows].every((row) => !isNaN(Number(key(row, at))));
    const compared = numbers ? (a, b) => Number(a) - Number(b) : (a, b) => a.localeCompare(b, "en", {numeric: true});
    const rows = [...body.rows].sort((one, other) => {
      const [a, b] = [key(one, at), key(other, at)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return down ? compared(b, a) : compared(a, b);
    });
    body.append(...rows);
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[at].ariaSort = down ? "descending" : "ascending";
  };

  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(at));
    head.append(button);
  });
}
