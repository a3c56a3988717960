// What accessibility needs beyond Furo's own pages.
"use strict";

// What is wider than the window can be scrolled with the keys.
const boxes = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll("pre, .cell_output, .table-wrapper")) boxes.observe(box);

document.querySelector(".sidebar-drawer").ariaLabel = "Labs";
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "Sections");

// The buttons of a narrow window, which Furo makes for a mouse.
for (const button of document.querySelectorAll("label[for^=__] > .icon")) {
  const ariaLabel = button.parentElement.htmlFor === "__toc" ? "Sections" : "Labs";
  Object.assign(button, { tabIndex: 0, role: "button", ariaLabel });
  button.addEventListener("keydown", ({ key }) => key === "Enter" && button.click());
}
