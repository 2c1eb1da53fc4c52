// State of a page in its URL: what a link shows is what the sender saw.

export const params = () => new URLSearchParams(location.search);

export const get = (name, fallback = null) => params().get(name) ?? fallback;

// set({ similarity: 0.8, sort: null }): null removes. `push` adds a step for Back.
export function set(changes, { push = false } = {}) {
  const found = params();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") found.delete(name);
    else found.set(name, value);
  }
  const query = found.toString();
  const url = location.pathname + (query ? `?${query}` : "") + location.hash;
  if (push) history.pushState(history.state, "", url);
  else history.replaceState(history.state, "", url);
}

export function setHash(hash) {
  history.replaceState(history.state, "", location.pathname + location.search + (hash ? `#${hash}` : ""));
}

// What belongs to this visit of this page alone (scroll place, pages loaded); survives Back.
export const visit = () => history.state ?? {};

export const remember = (changes) => history.replaceState({ ...visit(), ...changes }, "");
