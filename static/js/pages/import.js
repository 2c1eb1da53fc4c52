// Uploading a file of posts: dropped or chosen, with progress, rate and time left.

import { csrf } from "../lib/http.js";

const form = document.querySelector("[data-import]");

const size = (n) => {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  let value = n;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${value.toLocaleString("en", { maximumFractionDigits: at ? 1 : 0 })} ${units[at]}`;
};

const left = (s) => (s < 5 ? "a few seconds" : s < 90 ? `about ${Math.round(s)} s` : `about ${Math.round(s / 60)} min`);

function enhance() {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector("[data-file]");
  const words = form.querySelector("[data-drop-words]");
  const hint = form.querySelector("[data-drop-hint]");
  const send = form.querySelector("[data-send]");
  const stop = form.querySelector("[data-stop]");
  const upload = form.querySelector("[data-upload]");
  const bar = upload.querySelector(".progress-bar");
  const told = form.querySelector("[data-upload-words]");
  const error = form.querySelector("[data-upload-error]");
  let request = null;

  const fail = (message) => {
    error.textContent = message;
    error.hidden = !message;
  };

  function chosen() {
    const file = input.files[0];
    drop.classList.toggle("chosen", Boolean(file));
    if (!file) return;
    words.textContent = file.name;
    hint.textContent = `${size(file.size)}. Drop another to change it.`;
    const most = Number(form.dataset.maxBytes);
    fail(file.size > most ? `${file.name} has ${size(file.size)}; ${size(most)} is the most here. Use manage.py import_posts.` : "");
    if (error.hidden) send.focus();
  }

  function over(event) {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  }

  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!event.dataTransfer.files.length || request) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    chosen();
  });
  input.addEventListener("change", chosen);
  stop.addEventListener("click", () => request?.abort());

  function done() {
    request = null;
    send.disabled = false;
    stop.hidden = true;
    upload.hidden = true;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request) return;
    fail("");
    const began = performance.now();
    request = new XMLHttpRequest();
    request.open("POST", form.action || location.href);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrf());
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.style.setProperty("--share", total ? loaded / total : 0);
      const rate = loaded / Math.max(0.2, (performance.now() - began) / 1000);
      told.textContent =
        loaded < total
          ? `${size(loaded)} of ${size(total)} · ${size(rate)} a second · ${left((total - loaded) / rate)} left`
          : "Sent. The server is putting it away…";
    });
    request.addEventListener("load", () => {
      const answer = request.response;
      const status = request.status;
      done();
      if (status === 201 && answer?.url) location.assign(answer.url);
      else fail(answer?.error ?? `The server answered with an error (${status}).`);
    });
    request.addEventListener("error", () => {
      done();
      fail("The upload broke off. Nothing was imported; try again.");
    });
    request.addEventListener("abort", done);
    send.disabled = true;
    stop.hidden = false;
    upload.hidden = false;
    told.textContent = "Sending…";
    request.send(new FormData(form));
  });
}

if (form) enhance();
