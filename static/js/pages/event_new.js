// The address follows the name until someone writes one.

const name = document.getElementById("id_name");
const slug = document.getElementById("id_slug");
const zone = document.getElementById("id_timezone");
let own = Boolean(slug.value);

slug.addEventListener("input", () => (own = Boolean(slug.value)));
name.addEventListener("input", () => {
  if (own) return;
  slug.value = name.value
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
});
if (zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
