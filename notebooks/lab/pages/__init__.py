"""The labs as a book: pages with a sidebar and a search, which work from a disk as well as from a server."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import jinja2
import nbformat
from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from nbconvert import HTMLExporter

HERE = Path(__file__).parent
SHARED = ("style.css", "script.js")
ALT = "Plot; the text below says what to see."


@dataclass
class Section:
    """A heading, and the text from it up to the next one."""

    level: str
    anchor: str
    text: str = ""

    @property
    def title(self) -> str:
        """The words of the heading, which end with the sign that links to it."""
        return self.text.partition("¶")[0]


@dataclass
class Page:
    """A lab, ready for the template: its body and its opening words are HTML."""

    name: str
    body: str
    opening: str
    sections: list[Section]

    @property
    def title(self) -> str:
        """The lab's number and name."""
        return self.sections[0].title


def write(notebooks: dict[str, nbformat.NotebookNode], target: Path, source: str = "") -> None:
    """Write each notebook as a page, a page that lists them, and what all pages share.

    Args:
        notebooks: executed notebooks by the names of their files, without the ending, in the order of the book.
        target: the folder to write to, which holds the notebooks' `images`.
        source: where the project's files are online, for links to them; empty: two folders above `target`.
    """
    pages = [_read(name, notebook, source or "../..") for name, notebook in notebooks.items()]
    loader = jinja2.FileSystemLoader(HERE)
    template = jinja2.Environment(loader=loader, autoescape=True).get_template("page.html.j2")
    for page in [None, *pages]:
        html = template.render(page=page, pages=pages, source=source)
        (target / f"{page.name if page else 'index'}.html").write_text(html, encoding="utf-8")
    index = [
        [f"{page.name}.html#{section.anchor}", page.title, *section.text.split("¶", 1)]
        for page in pages
        for section in page.sections
    ]
    # Code, as a page on a disk may load a script but not read a file.
    code = f"const INDEX = {json.dumps(index, ensure_ascii=False)};\n"
    (target / "index.js").write_text(code, encoding="utf-8")
    for name in SHARED:
        shutil.copyfile(HERE / name, target / name)


def _read(name: str, notebook: nbformat.NotebookNode, source: str) -> Page:
    # "basic" is the bare body: the other templates load MathJax and more from the internet.
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    body = BeautifulSoup(exporter.from_notebook_node(notebook)[0], "html.parser")
    for style in body("style"):  # pandas brings one with each table
        style.decompose()
    for image in body("img"):
        image["alt"] = image.get("alt") or ALT
    for table in body("table"):
        table.wrap(body.new_tag("div", attrs={"class": "scrolls"}))
    for link in body.select("a[href]"):
        link["href"] = _from_page(str(link["href"]), source)
    for last in body("p")[-1:]:  # the neighbours, which each page has below
        if re.match("←|.*→$", last.get_text()):
            last.decompose()
    sections: list[Section] = []
    for node in body.descendants:
        if isinstance(node, Tag) and node.name in ("h1", "h2", "h3"):
            sections.append(Section(node.name, str(node["id"])))
        elif isinstance(node, NavigableString) and sections:
            sections[-1].text += node
    opening = [block for block in body.select("h1 ~ p, h1 ~ ul") if not block.img][:2]
    return Page(name, str(body), "".join(map(str, opening)), sections)


def _from_page(link: str, source: str) -> str:
    """Return a notebook's link as one that leads from its page to the same place."""
    if re.match(r"[a-z]+:|#", link):
        return link
    if re.match(r"\d\d_\w+\.ipynb", link):
        return link.replace(".ipynb", ".html", 1)
    return f"{source}/notebooks/{link}"
