"""`make html`: the labs as a book to read, with a search, written to build/html from the outputs that the notebooks hold.

Nothing is executed: `make test` has compared those outputs. The pages load nothing from elsewhere and work from a disk.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import nbformat

from lab.store import ROOT, LabError

NOTEBOOKS = ROOT / "notebooks"
TARGET = ROOT / "build" / "html"
BOOK = "Experiment Tracking with MLflow"
INDEX = f"""# {BOOK}

Reading copies of the labs, with every output. To run and change them, type `make lab` in the project's folder;
<a href="{{source}}/README.md">How to run the labs</a>.

```{{{{toctree}}}}
:hidden:
:glob:
[01]*
```
"""
SETTINGS = {
    "project": BOOK,
    "html_title": BOOK,
    "language": "en",
    "extensions": ["myst_nb", "sphinx_copybutton"],
    "nb_execution_mode": "off",
    "html_theme": "furo",
    "html_static_path": [str(Path(__file__).with_name(name)) for name in ("pages.css", "pages.js")],
    "html_css_files": ["pages.css"],
    "html_js_files": [("pages.js", {"defer": "defer"})],
    "html_use_index": False,
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "html_show_copyright": False,
    "smartquotes": False,
}


def write(source: str) -> None:
    """Write the pages.

    Args:
        source: where the project's files are online, for links to them.

    Raises:
        LabError: Sphinx is not installed, or has met something that it cannot show, such as a broken link.
    """
    try:
        from sphinx.application import Sphinx
        from sphinx.errors import SphinxError
    except ImportError:
        raise LabError(
            "The pages need Sphinx: run '.venv/bin/python -m pip install -r "
            "notebooks/lab/pages/requirements.txt -c notebooks/lab/constraints.txt' in the project's folder."
        ) from None
    shutil.rmtree(TARGET, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="lab-html-") as folder:
        _gather(Path(folder), source)
        places = (folder, None, TARGET, Path(folder) / "doctrees", "html")
        try:
            Sphinx(*places, SETTINGS, status=None, exception_on_warning=True).build()
        except SphinxError as error:
            raise LabError(f"The pages could not be written: {error}") from None
    print("Open build/html/index.html in a browser.")


def _gather(folder: Path, source: str) -> None:
    """Copy what the book is made of: pictures, notebooks with links as they are there, and a page that lists the labs."""
    shutil.copytree(NOTEBOOKS / "images", folder / "images")
    labs = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    pages = "|".join(path.name for path in labs)
    link = re.compile(rf"\[([^]]+)\]\((?![a-z]+:|#|images/|{pages})([^)]+)\)")
    neighbours = re.compile(r"^\[.*[←→].*\.ipynb\)$", re.MULTILINE)  # which each page has below
    index = INDEX.format(source=source)
    for path in labs:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.metadata["mystnb"] = {"image": {"alt": cell.metadata.get("alt", "")}}
            else:
                text = neighbours.sub("", cell.source)
                cell.source = link.sub(rf'<a href="{source}/notebooks/\2">\1</a>', text)
        title, _, minutes, objectives, *_ = notebook.cells[0].source.split("\n\n")
        index += f"\n## [{title.removeprefix('# ')}]({path.name})\n\n{minutes}\n\n{objectives}\n"
        nbformat.write(notebook, folder / path.name)
    (folder / "index.md").write_text(index, encoding="utf-8")
