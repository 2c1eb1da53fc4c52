// Requests to this site. Every failure is an Error whose message can be shown to a person.

const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it running?");
  }
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/login")) {
    throw new Error("You are logged out. Reload the page to log in.");
  }
  if (!answer.ok) throw new Error(await reason(answer));
  return answer;
}

async function reason(answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  if (type.includes("json")) {
    const { error, detail } = await answer.json();
    if (error || detail) return error || detail;
  }
  if (answer.status === 404) return "That is no longer here.";
  if (answer.status === 403) return "You may not do that.";
  return `The server answered with an error (${answer.status}).`;
}

export async function getJson(url, { signal } = {}) {
  return (await ask(url, { signal, headers: { Accept: "application/json" } })).json();
}

// The server sees HX-Request, as from htmx, and may answer with a part of a page.
export async function getHtml(url, { signal } = {}) {
  return (await ask(url, { signal, headers: { "HX-Request": "true" } })).text();
}

export async function postForm(url, fields = {}) {
  const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
  return ask(url, { method: "POST", body, headers: { "X-CSRFToken": csrf() } });
}

export { csrf };
