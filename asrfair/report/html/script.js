// Light or dark by choice; search, choices, sorting and pages for tables. The page says all it has to without this.
const page = document.documentElement;
const theme = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (page.dataset.theme ? page.dataset.theme === "dark" : system.matches);
const paint = () => {
  page.classList.toggle("dark", isDark());
  theme.textContent = isDark() ? "Light colours" : "Dark colours";
};
theme.hidden = false;
theme.addEventListener("click", () => {
  page.dataset.theme = isDark() ? "light" : "dark";
  paint();
});
system.addEventListener("change", paint);
paint();

const labelled = (text, field) => {
  const label = document.createElement("label");
  label.append(text, field);
  return label;
};

const searchField = (element, table) => {
  const field = document.createElement("input");
  field.type = "search";
  field.id = `${element.id}-search`;
  field.addEventListener("input", () => table.search(field.value).draw());
  return labelled("Search this table", field);
};

const choiceField = (element, table, place, title) => {
  const values = [...new Set(table.column(place).nodes().toArray().map((cell) => cell.textContent))].sort();
  if (values.length < 2 || values.length > 60) return null;
  const field = document.createElement("select");
  field.id = `${element.id}-choice-${place}`;
  field.append(new Option("all", ""), ...values.map((value, k) => new Option(value, String(k + 1))));
  field.addEventListener("change", () => {
    const wanted = values[Number(field.value) - 1];
    chosen.set(`${element.id}:${place}`, field.value ? wanted : null);
    table.draw();
  });
  return labelled(title, field);
};

const FEW = 10;
const chosen = new Map();
const enhance = (DataTable, element) => {
  const rows = element.tBodies[0].rows.length;
  if (rows < 2) return;
  const box = element.closest(".scroll");
  const heads = [...element.tHead.rows[0].cells];
  const titles = heads.map((cell) => cell.textContent);
  const choices = heads.map((cell, place) => (cell.hasAttribute("data-choice") ? place : -1)).filter((place) => place >= 0);
  const paged = rows > FEW;
  const table = new DataTable(element, {
    autoWidth: false,
    order: [],
    pageLength: paged ? 10 : -1,
    lengthMenu: [10, 25, 100, { label: "all", value: -1 }],
    layout: {
      topStart: null,
      topEnd: null,
      bottomStart: paged ? "info" : null,
      bottomEnd: paged ? ["pageLength", "paging"] : null,
    },
    language: { info: "_START_ to _END_ of _TOTAL_ rows", infoFiltered: "(of _MAX_)", infoEmpty: "no rows", lengthMenu: "Rows: _MENU_", zeroRecords: "No row matches." },
  });
  // DataTables listens to Enter alone; what calls itself a button answers to the space bar too.
  element.tHead.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.matches("[role=button]")) return;
    event.preventDefault();
    event.target.click();
  });
  // The box scrolls the table alone, not the fields and the buttons around it.
  const own = document.createElement("div");
  for (const name of ["class", "role", "tabindex", "aria-labelledby"]) {
    own.setAttribute(name, box.getAttribute(name));
    box.removeAttribute(name);
  }
  element.replaceWith(own);
  own.append(element);
  const tools = document.createElement("div");
  tools.className = "tools";
  tools.append(searchField(element, table));
  for (const place of choices) {
    const field = choiceField(element, table, place, titles[place]);
    if (field) tools.append(field);
  }
  if (paged) box.prepend(tools);
  table.search.fixed("choices", (_, __, index) =>
    choices.every((place) => {
      const wanted = chosen.get(`${element.id}:${place}`);
      return wanted == null || table.cell(index, place).node().textContent === wanted;
    }),
  );
  addEventListener("beforeprint", () => table.page.len(-1).draw());
  addEventListener("afterprint", () => table.page.len(paged ? 10 : -1).draw());
};

const DataTable = globalThis.asrfairTables?.default;
if (DataTable) for (const element of document.querySelectorAll("table.sortable")) enhance(DataTable, element);

// Paper has nothing to open.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const element of opened) element.open = true;
});
addEventListener("afterprint", () => {
  for (const element of opened) element.open = false;
});
