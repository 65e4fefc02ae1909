// Makes the page quicker to use. Everything works without it.
"use strict";

(() => {
  const live = document.getElementById("live");
  const keys = document.getElementById("keys");
  const help = document.getElementById("help");
  const keysOn = document.getElementById("keys-on");

  // Narrows what is listed while somebody types; Enter asks for all.
  const field = document.querySelector("[data-filter]");
  const rows = [...document.querySelectorAll(".people > li, [data-row]")].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
  }));
  const narrow = () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = wanted === "" || text.includes(wanted);
      row.classList.toggle("away", !fits);
      shown += fits ? 1 : 0;
    }
    for (const group of document.querySelectorAll("details.group")) {
      const people = group.querySelectorAll(".people > li");
      const none = people.length > 0 && [...people].every((one) => one.classList.contains("away"));
      group.classList.toggle("away", none);
      if (wanted !== "" && people.length > 0 && !none) {
        group.open = true;
      }
    }
    live.textContent =
      wanted === "" ? "" : `${shown} of ${rows.length} on this page fit. Enter searches all.`;
  };
  if (field && rows.length > 0) {
    let later = 0;
    field.addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(narrow, 120);
    });
  }

  // Asks once more before something is decided.
  for (const form of document.querySelectorAll("form[data-confirm]")) {
    form.addEventListener("submit", (event) => {
      if (!window.confirm(form.dataset.confirm)) {
        event.preventDefault();
      }
    });
  }

  // Looks again while something is under way, unless somebody is at work here.
  const again = Number(document.body.dataset.lookAgain || 0);
  if (again > 0) {
    setTimeout(() => {
      const idle = [document.body, document.getElementById("main")].includes(document.activeElement);
      if (idle && window.getSelection().isCollapsed && window.scrollY < 200) {
        window.location.reload();
      }
    }, again * 1000);
  }

  // Single keys, which can be turned off.
  const stored = () => {
    try {
      return window.localStorage.getItem("keys") !== "off";
    } catch {
      return true;
    }
  };
  keysOn.checked = stored();
  keysOn.addEventListener("change", () => {
    try {
      window.localStorage.setItem("keys", keysOn.checked ? "on" : "off");
    } catch {
      // Then it holds for this page alone.
    }
  });
  const isShown = (item) => item.getClientRects().length > 0;
  const step = (by) => {
    const items = [...document.querySelectorAll("[data-item]")].filter(isShown);
    const at = items.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by;
    if (items[next]) {
      items[next].focus();
    }
  };
  const tell = () => {
    if (!keys.open) {
      keys.showModal();
    }
  };
  help.hidden = false;
  help.addEventListener("click", tell);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) {
      return;
    }
    if (event.key === "j" || event.key === "k") {
      step(event.key === "j" ? 1 : -1);
    } else if (event.key === "/") {
      const search = document.querySelector('input[type="search"]');
      if (!search) {
        return;
      }
      search.focus();
      search.select();
    } else if (event.key === "?") {
      tell();
    } else {
      return;
    }
    event.preventDefault();
  });
})();
