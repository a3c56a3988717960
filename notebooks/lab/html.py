"""`make html`: executed reading copies of the labs in build/html. They need neither Jupyter nor the internet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

from lab import store
from lab.store import LabError

NOTEBOOKS = store.ROOT / "notebooks"
TARGET = store.ROOT / "build" / "html"
WORK = (
    store.ROOT / "build" / "html-work"
)  # executed notebooks, and a store for each, so that two can run at a time
AT_A_TIME = 2
CELL_SECONDS = 300
TITLE = "Experiment Tracking with MLflow"

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
{before}
<main>
{body}
</main>
{after}
</body>
</html>
"""
NAV = '<nav aria-label="{label}"><a href="index.html">All labs</a></nav>'
STYLE = """:root {
  color-scheme: light dark;
  --text: #1b1b1b; --paper: #fff; --code: #fafafa; --line: #8a8a8a; --link: #0b57a4;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8e8; --paper: #16181c; --code: #0d1117; --line: #888; --link: #8ab8ff; }
}
body { max-width: 60rem; margin: 0 auto; padding: 1rem; font: 1.05rem/1.55 system-ui, sans-serif; }
body, table { color: var(--text); background: var(--paper); }
a { color: var(--link); }
a.anchor-link { display: none; }
h1, h2, h3 { line-height: 1.2; margin: 1.8em 0 0.6em; }
img, svg { max-width: 100%; height: auto; }
.output_png img { background: #fff; }
pre { margin: 0; padding: 0.6rem 0.8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { font: 0.92rem/1.45 ui-monospace, Menlo, Consolas, monospace; }
code { font-size: 0.92em; background: var(--code); }
.input pre, .text_cell pre { background: var(--code); border-left: 3px solid var(--link); }
.output { margin: 0.3rem 0 1.2rem; overflow-x: auto; }
.input { margin-top: 1.2rem; }
table { border-collapse: collapse; margin: 0.6rem 0; }
th, td { border: 1px solid var(--line); padding: 0.25rem 0.6rem; text-align: left; }
.dataframe td { text-align: right; }
summary { cursor: pointer; }
"""


def main() -> None:
    """Execute all notebooks on stores of their own, two at a time, and write their reading copies and an index.

    Raises:
        LabError: a cell failed; the message names the notebook and the cell.
    """
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.rmtree(WORK, ignore_errors=True)
    TARGET.mkdir(parents=True)
    shutil.copytree(NOTEBOOKS / "images", TARGET / "images")
    (TARGET / "style.css").write_text(STYLE + _highlighting(), encoding="utf-8")
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    print(f"Running {len(paths)} notebooks …", flush=True)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        notebooks = list(pool.map(_execute, paths))
    for path, notebook in zip(paths, notebooks, strict=True):
        (TARGET / f"{path.stem}.html").write_text(_page(path.stem, notebook), encoding="utf-8")
    (TARGET / "index.html").write_text(_index(paths, notebooks), encoding="utf-8")
    print("Open build/html/index.html in a browser.")


def _execute(path: Path):
    """Return the notebook as it is after running all cells; the file itself stays as it is."""
    import nbformat

    begin = time.monotonic()
    work = WORK / path.stem
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to=notebook",
        f"--output-dir={work}",
        "--execute",
    ]
    command += [
        "--allow-errors",
        f"--ExecutePreprocessor.timeout={CELL_SECONDS}",
        "--log-level=ERROR",
        str(path),
    ]
    environment = os.environ | {"LAB_TRACKING_URI": (work / "mlruns").as_uri()}
    done = subprocess.run(
        command,
        check=False,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise LabError(f"{path.name} could not be run to its end:\n{done.stderr.strip()}")
    notebook = nbformat.read(work / path.name, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get(
                "tags", []
            ):
                begins = cell.source.partition("\n")[0]
                problem = f"with {output.ename}: {output.evalue}"
                raise LabError(f"{path.name} failed at the cell that begins '{begins}' {problem}")
    print(f"  {path.name}  {time.monotonic() - begin:.0f} s", flush=True)
    return notebook


def _page(name: str, notebook) -> str:
    """Return a notebook as one page of HTML."""
    from nbconvert import HTMLExporter

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                picture = output.metadata.setdefault("image/png", {})
                picture["alt"] = cell.metadata.get("alt", "Plot; the text below says what to see.")
    # "basic" is the bare body: the other templates load MathJax and more from the internet.
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    # Show the folder that a student sees, not the one of this command.
    body = body.replace(f"{WORK.relative_to(store.ROOT).as_posix()}/{name}/mlruns", "mlruns")
    title, _ = _introduction(notebook)
    return _in_page(f"{title} · {TITLE}", _relink(body), nav=True)


def _index(paths: list[Path], notebooks: list) -> str:
    """Return the page that lists the labs with the words that each of them opens with."""
    from nbconvert.filters import markdown2html

    entries = []
    for path, notebook in zip(paths, notebooks, strict=True):
        title, opening = _introduction(notebook)
        entries.append(
            f'<h2><a href="{path.stem}.html">{escape(title)}</a></h2>\n{_relink(markdown2html(opening))}'
        )
    about = "<p>Reading copies of the labs, with every output. To run and change them, type <code>make lab</code>.</p>"
    return _in_page(TITLE, "\n".join([f"<h1>{TITLE}</h1>", about, *entries]), nav=False)


def _in_page(title: str, body: str, nav: bool) -> str:
    before, after = (
        NAV.format(label=label) if nav else "" for label in ("Before the lab", "After the lab")
    )
    return PAGE.format(title=escape(title), before=before, body=body, after=after)


def _introduction(notebook) -> tuple[str, str]:
    """Return a notebook's title and the first paragraph and list under it, as Markdown."""
    title, *blocks = notebook.cells[0].source.split("\n\n")
    words = [block for block in blocks if not block.startswith("![")]
    return title.lstrip("# "), "\n\n".join(words[:2])


def _relink(body: str) -> str:
    """Return HTML whose links lead from build/html to where they led from notebooks/."""

    def target(match: re.Match) -> str:
        attribute, link = match.groups()
        if re.match(r"[a-z]+:|#|images/", link):
            return match[0]
        if re.match(r"\d\d_\w+\.ipynb", link):
            return f'{attribute}="{link.replace(".ipynb", ".html", 1)}"'
        return f'{attribute}="../../notebooks/{link}"'

    return re.sub(r'(href|src)="([^"]+)"', target, body)


def _highlighting() -> str:
    from pygments.formatters import HtmlFormatter

    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".highlight")
        for style in ("default", "github-dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n.highlight {{ background: none; }}\n"


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped; build/html is not complete.")
