// Looking a picture up: dropped anywhere on the page, pasted, or chosen; it is sent at once.

import { register } from "../lib/keys.js";

const form = document.querySelector("[data-look-up]");

function enhance() {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector("[data-file]");
  const words = form.elements.words;
  const problem = form.querySelector("[data-problem]");
  const said = form.querySelector("[data-drop-words]");
  const most = Number(form.dataset.maxBytes) || Infinity;

  const tell = (message) => {
    problem.textContent = message;
    problem.hidden = !message;
  };

  function send(files) {
    const file = [...files].find(({ type }) => type.startsWith("image/")) ?? files[0];
    if (!file) return;
    if (file.size > most) {
      tell(`${file.name} has ${(file.size / 2 ** 20).toFixed(0)} MB; ${Math.floor(most / 2 ** 20)} MB is the most here.`);
      return;
    }
    tell("");
    const carried = new DataTransfer();
    carried.items.add(file);
    input.files = carried.files;
    words.value = "";
    said.textContent = "Sending…";
    form.requestSubmit();
  }

  document.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    send(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    send(event.clipboardData.files);
  });
  input.addEventListener("change", () => send(input.files));
  form.addEventListener("submit", (event) => {
    if (input.files.length || words.value.trim()) return;
    event.preventDefault();
    tell("Drop or choose a picture, or write its address or a hash.");
    words.focus();
  });
  // On Back, the form is as it was before it was sent.
  addEventListener("pageshow", () => {
    input.value = "";
    said.textContent = "Look a picture up";
  });
  register("u", "Look a picture up", () => input.click());
}

if (form) enhance();
