// Search: addresses stay short, `s` goes to the field.

import { register } from "../lib/keys.js";

const form = document.querySelector("[data-search]");
const words = form.elements.q;

// Fields left empty are no part of the address.
form.addEventListener("submit", () => {
  const empty = [...form.elements].filter((field) => field.name && !field.disabled && field.value.trim() === "");
  for (const field of empty) field.disabled = true;
  setTimeout(() => empty.forEach((field) => (field.disabled = false)));
});

register("s", "Search for other words", () => {
  words.focus();
  words.select();
});
if (!location.search && matchMedia("(hover: hover)").matches) words.focus({ preventScroll: true });
