// Rules as chips: typed one by one, or pasted a line each. The field keeps them as text, so that
// the form is the same without this script.

const KINDS = [
  ["", "as typed"], ["keyword", "Keyword"], ["phrase", "Phrase"], ["hashtag", "Hashtag"], ["account", "Account"],
  ["language", "Language"], ["bbox", "Box"], ["after", "Not before"], ["before", "Before"],
];
const HINTS = {
  "": "#storm, @name, a word, “a phrase”", keyword: "storm", phrase: "san juan", hashtag: "storm", account: "name",
  language: "es", bbox: "west,south,east,north", after: "2017-09-20T14:00:00Z", before: "2017-09-27",
};
const labels = new Map(KINDS);

function told(line) {
  const [, kind, value] = /^\s*([a-z]+)\s*:\s*(.*)$/is.exec(line) ?? [];
  if (kind && labels.has(kind.toLowerCase())) return [labels.get(kind.toLowerCase()), value.trim()];
  const text = line.trim();
  if (/^[#＃]/.test(text)) return [labels.get("hashtag"), text.slice(1)];
  if (/^[@＠]/.test(text)) return [labels.get("account"), text.slice(1)];
  const bare = text.replace(/^["“”„']+|["“”„']+$/g, "");
  return [labels.get(bare === text && !/\s/.test(text) ? "keyword" : "phrase"), bare];
}

const make = (name, fields = {}) => Object.assign(document.createElement(name), fields);

function enhance(box) {
  const area = box.querySelector("textarea");
  const chips = make("ul", { className: "rule-chips" });
  chips.setAttribute("role", "list");
  chips.setAttribute("aria-label", "Rules");
  const kind = make("select", { ariaLabel: "Kind of rule" });
  kind.append(...KINDS.map(([value, label]) => make("option", { value, textContent: label })));
  const input = make("input", { type: "text", id: `${area.id}_one`, placeholder: HINTS[""], autocomplete: "off", spellcheck: false });
  input.setAttribute("aria-describedby", area.getAttribute("aria-describedby") ?? "");
  input.setAttribute("enterkeyhint", "done");
  const add = make("button", { type: "button", className: "button", textContent: "Add" });
  const line = make("div", { className: "rule-line" });
  line.append(kind, input, add);
  const said = make("p", { className: "visually-hidden" });
  said.setAttribute("role", "status");

  const lines = () => area.value.split("\n").map((text) => text.trim()).filter(Boolean);
  const keep = (found) => {
    area.value = [...new Set(found)].join("\n");
    show();
  };

  function show() {
    chips.replaceChildren(
      ...lines().map((text, at) => {
        const [label, value] = told(text);
        const chip = make("li", { className: "rule-chip" });
        const remove = make("button", { type: "button", textContent: "✕", ariaLabel: `Remove ${label} ${value}` });
        remove.addEventListener("click", () => {
          keep(lines().filter((_, other) => other !== at));
          said.textContent = `${label} ${value} removed`;
          (chips.children[Math.min(at, chips.children.length - 1)]?.querySelector("button") ?? input).focus();
        });
        const words = make("span", { textContent: value });
        words.dir = "auto";
        chip.append(make("span", { className: "quiet", textContent: label }), " ", words, " ", remove);
        return chip;
      }),
    );
    chips.hidden = !chips.children.length;
  }

  function take() {
    const typed = input.value.split("\n").map((text) => text.trim()).filter(Boolean);
    if (!typed.length) return false;
    keep([...lines(), ...typed.map((text) => (kind.value ? `${kind.value}: ${text}` : text))]);
    said.textContent = `${typed.join(", ")} added`;
    input.value = "";
    return true;
  }

  kind.addEventListener("change", () => {
    input.placeholder = HINTS[kind.value];
    input.focus();
  });
  add.addEventListener("click", () => {
    take();
    input.focus();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault(); // the form is sent by its buttons
      take();
    } else if (event.key === "Backspace" && !input.value && lines().length) {
      event.preventDefault();
      keep(lines().slice(0, -1));
    }
  });
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (!text.includes("\n")) return;
    event.preventDefault();
    input.value = text;
    take();
  });
  area.form.addEventListener("submit", take); // what was typed and not added is meant too

  area.hidden = true;
  area.before(chips, line, said);
  box.querySelector("label").htmlFor = input.id;
  const help = box.querySelector(".help");
  help.textContent = "Enter adds a rule; several lines can be pasted at once.";
  show();
}

for (const box of document.querySelectorAll("[data-rules]")) enhance(box);
