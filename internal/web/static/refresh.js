// Keeps the page true without a reload: fetches it anew every half minute and puts what has
// changed in place. Without this script the page is the same, and is reloaded by hand.
"use strict";
(() => {
  const every = 30000;
  const said = document.getElementById("said");
  const stale = document.getElementById("stale");
  let tag = "";
  let busy = false;

  // Whoever is typing, choosing or reading with an open note must not be disturbed.
  const occupied = () => {
    const a = document.activeElement;
    return document.hidden || (a && a.closest("form") !== null) || document.querySelector("dialog[open]") !== null
      || (String(window.getSelection()) !== "");
  };

  // Opened details stay open, and the focus stays where it was.
  const keys = (root) => [...root.querySelectorAll("details[id]")];
  const refresh = async () => {
    if (busy || occupied()) return;
    busy = true;
    try {
      const r = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", redirect: "error" });
      if (r.status === 304) { stale.hidden = true; return; }
      if (!r.ok) throw new Error(r.status);
      const next = new DOMParser().parseFromString(await r.text(), "text/html");
      const now = document.querySelector("main"), then = next.querySelector("main");
      if (!then || occupied()) return;
      tag = r.headers.get("ETag") || "";
      const open = new Set(keys(now).filter((d) => d.open).map((d) => d.id));
      for (const d of keys(then)) d.open = open.has(d.id) || d.open;
      const focus = document.activeElement && document.activeElement.id;
      const scrolled = [...now.querySelectorAll("[data-keep]")].map((e) => [e.dataset.keep, e.scrollLeft, e.scrollTop]);
      const verdict = (root) => (root.querySelector("[data-verdict]") || {}).textContent;
      const before = verdict(now), after = verdict(then);
      now.replaceWith(document.adoptNode(then));
      offer();
      for (const [k, x, y] of scrolled) {
        const e = [...document.querySelectorAll("[data-keep]")].find((e) => e.dataset.keep === k);
        if (e) { e.scrollLeft = x; e.scrollTop = y; }
      }
      if (focus) { const e = document.getElementById(focus); if (e) e.focus({ preventScroll: true }); }
      document.title = next.title;
      if (after && before !== after) said.textContent = after.trim();
      stale.hidden = true;
    } catch {
      stale.hidden = false; // what stands here may be old, and says so
    } finally {
      busy = false;
    }
  };
  // A letter is copied with one press where the browser lets us; without, a click marks all of it.
  const offer = () => {
    if (!navigator.clipboard) return;
    for (const b of document.querySelectorAll("button[data-copy]")) b.hidden = false;
  };
  document.addEventListener("click", async (e) => {
    const b = e.target.closest && e.target.closest("button[data-copy]");
    if (!b) return;
    try {
      await navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent);
      said.textContent = b.textContent = "copied";
    } catch {
      said.textContent = b.textContent = "not copied: mark it and copy it by hand";
    }
  });
  offer();
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
