// Makes the page quicker to use. Everything works without it.
"use strict";

(() => {
  const keys = document.getElementById("keys");
  const help = document.getElementById("help");
  const keysOn = document.getElementById("keys-on");

  // Searches by itself once whoever types pauses. The server does, so that nobody is missed who is
  // not on this page; what is listed meanwhile stays as it is.
  const PAUSE_MS = 600;
  const TYPED = "typed";
  const field = document.querySelector("[data-search]");
  const session = (use) => {
    try {
      return use(window.sessionStorage);
    } catch {
      // Then what is typed while the answer is awaited is lost.
      return null;
    }
  };
  const typedBefore = JSON.parse(session((kept) => kept.getItem(TYPED)) || "{}");
  session((kept) => kept.removeItem(TYPED));
  const search = () => {
    const asked = field.value;
    const url = new URL(field.form.action);
    url.search = new URLSearchParams(new FormData(field.form)).toString();
    const leave = () => {
      const typed = { path: window.location.pathname, asked, value: field.value };
      session((kept) => kept.setItem(TYPED, JSON.stringify(typed)));
    };
    window.addEventListener("pagehide", leave, { once: true });
    // One step back leads to what was before the search, not to each of its letters.
    if (field.defaultValue === "") {
      window.location.assign(url);
    } else {
      window.location.replace(url);
    }
  };
  if (field) {
    const found = document.getElementById("found");
    const told = found.textContent.trim() || "Searches as you type.";
    found.textContent = told;
    let later = 0;
    const typed = (event) => {
      clearTimeout(later);
      if (event && event.isComposing) {
        return;
      }
      const isNew = field.value.trim() !== field.defaultValue.trim();
      found.textContent = isNew ? "Searching everything\u2026" : told;
      later = isNew ? setTimeout(search, PAUSE_MS) : 0;
    };
    field.addEventListener("input", typed);
    field.addEventListener("compositionend", typed);
    field.form.addEventListener("submit", () => clearTimeout(later));
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) {
        field.value = field.defaultValue;
        found.textContent = told;
      }
    });
    if (typedBefore.path === window.location.pathname) {
      field.focus();
      if (typedBefore.value !== typedBefore.asked) {
        field.value = typedBefore.value;
        typed();
      }
    }
    if (document.activeElement === field) {
      field.setSelectionRange(field.value.length, field.value.length);
    }
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
      if (!field) {
        return;
      }
      field.focus();
      field.select();
    } else if (event.key === "?") {
      tell();
    } else {
      return;
    }
    event.preventDefault();
  });
})();
