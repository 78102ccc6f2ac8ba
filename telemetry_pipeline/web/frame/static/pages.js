// Pictures that come after the page, what their marks say, and a form that shows what it needs. Pages work without it.
(() => {
  const WIDTHS = [340, 480, 620, 720, 860, 1040];

  const say = (holder, text, state) => {
    const line = document.createElement("p");
    line.className = `state ${state}`;
    line.textContent = text;
    if (state === "failed") {
      line.setAttribute("role", "alert");
      const again = document.createElement("button");
      again.type = "button";
      again.className = "quiet";
      again.textContent = holder.dataset.again;
      again.addEventListener("click", () => load(holder));
      line.append(" ", again);
    }
    holder.replaceChildren(line);
  };

  // What fits into the place without being scaled by much.
  const widthOf = holder => WIDTHS.filter(each => each <= holder.clientWidth).at(-1) ?? WIDTHS[0];

  const load = async holder => {
    say(holder, holder.dataset.loading, "loading");
    holder.setAttribute("aria-busy", "true");
    const width = widthOf(holder);
    holder.dataset.width = width;
    try {
      const answer = await fetch(`${holder.dataset.picture}&ancho=${width}`, { headers: { Accept: "image/svg+xml" } });
      if (answer.status === 204) say(holder, holder.dataset.empty, "empty");
      else if (!answer.ok) throw new Error(answer.status);
      else {
        const drawn = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
        if (drawn.nodeName !== "svg") throw new Error("no picture");
        const [first, last] = holder.dataset.days.split("/");
        for (const link of drawn.querySelectorAll("a")) link.setAttribute("href", `${link.getAttribute("href")}&desde=${first}&hasta=${last}`);
        holder.replaceChildren(document.importNode(drawn, true));
      }
    } catch {
      say(holder, holder.dataset.failed, "failed");
    }
    holder.removeAttribute("aria-busy");
  };

  // Two at a time, from the top: who asks for all at once waits for the first as long as for the last.
  const holders = [...document.querySelectorAll("[data-picture]")];
  const waitingHolders = [...holders];
  const loadNext = async () => { for (let next; (next = waitingHolders.shift());) await load(next); };
  loadNext();
  loadNext();
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => holders.filter(each => each.dataset.width && +each.dataset.width !== widthOf(each)).forEach(load), 300);
  });

  // What a mark says, beside the pointer, or below the mark that has the focus.
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const show = (mark, x, y) => {
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 12, innerWidth - box.width - 8))}px`;
    tip.style.top = `${y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16}px`;
  };
  const markOf = event => event.target.closest?.(".picture svg [aria-label]");
  const isMark = mark => mark && mark.nodeName !== "svg";
  // A page that scrolls to what has the focus moves marks under a pointer that rests: what has the focus keeps its tip.
  let focused = null;
  const below = mark => { const box = mark.getBoundingClientRect(); show(mark, box.left + box.width / 2, box.bottom - 8); };
  document.addEventListener("pointermove", event => {
    const mark = markOf(event);
    if (isMark(mark)) show(mark, event.clientX, event.clientY);
    else if (focused) below(focused);
    else tip.hidden = true;
  });
  document.addEventListener("focusin", event => {
    const mark = event.target.closest?.(".picture a")?.querySelector("[aria-label]") ?? markOf(event);
    focused = isMark(mark) ? mark : null;
    if (focused) below(focused); else tip.hidden = true;
  });
  document.addEventListener("focusout", () => { focused = null; tip.hidden = true; });
  addEventListener("scroll", () => { if (focused) below(focused); }, { passive: true });
  document.addEventListener("keydown", event => { if (event.key === "Escape") { focused = null; tip.hidden = true; } });

  // Fields that say nothing make no address longer.
  for (const form of document.querySelectorAll("form.fields")) {
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (!field.value || (field.closest(".others") && form.contra?.value !== "otros")) field.disabled = true;
    });
  }
  addEventListener("pageshow", () => { for (const field of document.querySelectorAll("form.fields :disabled")) field.disabled = false; });
})();
