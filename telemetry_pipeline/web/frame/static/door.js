// Light or dark: as the machine has it, until somebody chooses. Runs before the page is drawn, so that nothing flashes.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const chosen = stored();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* a browser that keeps nothing */ }
    });
  });
})();

// A form is sent once: an answer that takes its time is no reason to ask for the same again.
addEventListener("submit", (event) => setTimeout(() => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  event.target.setAttribute("aria-busy", "true");
  for (const button of event.target.querySelectorAll("button[type=submit]")) button.disabled = true;
}));

// Browsers keep whole pages for "back", whatever they were told: who has logged out since must not find them there.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
