// Parts of a page that change: fetched anew every few seconds while somebody looks, from the address in data-live.
(() => {
  const refresh = async part => {
    if (document.hidden || part.contains(document.activeElement) || part.querySelector("details[open]")) return;
    try {
      const answer = await fetch(part.dataset.live, {headers: {Accept: "text/html"}, redirect: "error", signal: AbortSignal.timeout(20000)});
      if (!answer.ok) throw new Error(answer.status);
      part.innerHTML = await answer.text();
      part.classList.remove("is-stale");
    } catch {
      if (part.classList.contains("is-stale")) return;
      part.classList.add("is-stale");
      const note = document.createElement("p");
      note.className = "stale";
      note.setAttribute("role", "status");
      note.textContent = part.dataset.offline;
      part.prepend(note);
    }
  };
  for (const part of document.querySelectorAll("[data-live]")) {
    const again = async () => {
      await refresh(part);
      if (!part.querySelector("[data-final]")) setTimeout(again, part.dataset.seconds * 1000);
      else location.replace(location.pathname); // it has ended: what can be done now is something else
    };
    setTimeout(again, part.hasAttribute("data-now") ? 0 : part.dataset.seconds * 1000);
  }
})();
