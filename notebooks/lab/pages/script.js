// What a page can do with a script: search, copy, show where the reader is. All else works without.
"use strict";

function element(name, text, attributes = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...attributes });
}

// Search: INDEX holds [link, lab, heading, text] of every section.
const form = document.querySelector("[role=search]");
const input = form.querySelector("input");
const results = form.querySelector(".results");
const list = results.querySelector("ul");
const MOST = 12;

function found(words) {
  const count = (text, word) => text.toLowerCase().split(word).length - 1;
  const score = ([, lab, heading, text]) => {
    const scores = words.map((word) => 20 * count(`${heading} ${lab}`, word) + Math.min(count(text, word), 10));
    const whole = heading.toLowerCase().includes(words.join(" ")) ? 1000 : 0; // a heading that was typed in
    return Math.min(...scores) && scores.reduce((sum, one) => sum + one, whole);
  };
  const scored = INDEX.map((section) => ({ section, points: score(section) }));
  return scored.filter(({ points }) => points).sort((a, b) => b.points - a.points).map(({ section }) => section);
}

function excerpt(text, words) {
  const place = Math.max(text.toLowerCase().indexOf(words[0]) - 40, 0);
  const whole = text.slice(place, place + 160).replace(/\s+/g, " ").replace(/\S*$/, "…");
  const marked = new RegExp(`(${words.map((word) => word.replace(/\W/g, "\\$&")).join("|")})`, "gi");
  const parts = (place ? whole.replace(/^\S*/, "…") : whole).split(marked);
  return parts.map((part, at) => (at % 2 ? element("mark", part) : part));
}

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = words.length ? found(words) : [];
  list.replaceChildren(...sections.slice(0, MOST).map(([link, lab, heading, text]) => {
    const anchor = element("a", "", { href: link });
    anchor.append(element("b", heading), element("small", heading === lab ? "" : lab), ...excerpt(text, words));
    const item = element("li", "");
    item.append(anchor);
    return item;
  }));
  const places = sections.length === 1 ? "1 place" : `${sections.length} places`;
  results.querySelector("p").textContent = sections.length > MOST ? `${places}, the best ${MOST}` : places;
  results.hidden = !words.length;
}

form.hidden = false;
input.addEventListener("input", search);
input.addEventListener("focus", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.querySelector("a")?.click();
});
form.addEventListener("keydown", (event) => {
  const stops = [input, ...list.querySelectorAll("a")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  } else if (event.key === "Escape") {
    input.value = "";
    search();
    input.blur();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && event.target !== input) {
    event.preventDefault();
    input.focus();
  }
});
for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, ({ target }) => {
    if (!form.contains(target) || target.closest(".results a")) results.hidden = kind === "click" || !form.contains(target);
  });
}

// Copy: a button on each piece of code.
for (const code of document.querySelectorAll(".highlight")) {
  const button = element("button", "Copy", { type: "button", ariaLive: "polite" });
  const pre = code.querySelector("pre");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent.trimEnd());
    } catch {
      getSelection().selectAllChildren(pre);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  code.prepend(button);
}

// What is wider than the window can be scrolled with the keys.
const boxes = new ResizeObserver((seen) => {
  for (const { target } of seen) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
});
for (const box of document.querySelectorAll(".scrolls, .highlight pre")) boxes.observe(box);

// Where the reader is: the last heading above the middle of the window.
const menu = document.querySelector("#labs");
const links = new Map([...menu.querySelectorAll("a[href^='#']")].map((link) => [link.hash.slice(1), link]));
const headings = [...document.querySelectorAll("h2[id]")];
function mark() {
  const current = headings.findLast((heading) => heading.getBoundingClientRect().top < innerHeight / 2);
  for (const [id, link] of links) link.toggleAttribute("data-here", id === current?.id);
}
addEventListener("scroll", mark, { passive: true });
mark();
menu.addEventListener("click", ({ target }) => {
  if (target.matches("a") && menu.matches(":popover-open")) menu.hidePopover();
});
