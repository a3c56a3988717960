"""The notebooks as documents: what a reader sees before running anything."""

import hashlib
import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from lab.preflight import DATA
from support import NOTEBOOKS, ROOT

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
MACHINE_PATH = re.compile(r"/home/\w+|/Users/\w+|/root\b|/tmp/|/work/|[A-Z]:\\")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def cells(notebook: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def prose(notebook: Path) -> str:
    return "\n\n".join(cell.source for cell in cells(notebook, "markdown"))


def headings(notebook: Path) -> list[tuple[int, str]]:
    return [
        (len(marks), text)
        for marks, text in re.findall(r"^(#+) (.+)$", prose(notebook), re.MULTILINE)
    ]


def test_there_are_seven():
    assert [path.name for path in NOTEBOOKS] == [
        "01_bad_example.ipynb",
        "02_sklearn_tracking.ipynb",
        "03_pytorch_tracking.ipynb",
        "04_autolog.ipynb",
        "05_signatures.ipynb",
        "06_artifacts.ipynb",
        "07_run_search.ipynb",
    ]


@every_notebook
def test_opens_with_title_minutes_and_objectives(notebook):
    first = cells(notebook, "markdown")[0].source
    number = int(notebook.name[:2])
    assert re.match(rf"# {number} · \S", first)
    assert re.search(
        r"\*\*About \d+ minutes, and \d+ for the exercises\.\*\* After this lab you can", first
    )
    assert len(re.findall(r"^- ", first, re.MULTILINE)) >= 3
    assert cells(notebook, "code")[0].source == "import lab\n\nlab.start()"


@every_notebook
def test_headings_are_one_title_and_then_in_order(notebook):
    levels = [level for level, _ in headings(notebook)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    number = int(notebook.name[:2])
    sections = [text.split()[0] for _, text in headings(notebook) if re.match(r"\d+\.\d+ ", text)]
    assert sections == [f"{number}.{place}" for place in range(1, len(sections) + 1)]


@every_notebook
def test_closes_with_a_recap_and_its_neighbours(notebook):
    place = NOTEBOOKS.index(notebook)
    assert "Recap" in [text for _, text in headings(notebook)]
    last_line = cells(notebook, "markdown")[-1].source.splitlines()[-1]
    linked = {target for _, _, target in LINK.findall(last_line)}
    assert {
        path.name for path in NOTEBOOKS[max(place - 1, 0) : place + 2] if path != notebook
    } <= linked


@pytest.mark.parametrize(
    "document",
    [*NOTEBOOKS, ROOT / "README.md", ROOT / "data" / "README.md"],
    ids=lambda path: path.stem,
)
def test_links_lead_somewhere_and_pictures_are_described(document):
    text = prose(document) if document.suffix == ".ipynb" else document.read_text(encoding="utf-8")
    for picture, words, target in LINK.findall(text):
        if picture:
            assert len(words.split()) >= 6, f"describe the picture {target} in a sentence"
            assert not target.startswith("http"), f"{target} is not here when there is no network"
        if not target.startswith(("http", "#")):
            assert (document.parent / target.split("#")[0]).exists(), f"{target} does not exist"


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "notebooks" / "images").glob("*.svg")), ids=lambda path: path.stem
)
def test_diagrams_stand_alone(picture):
    text = picture.read_text(encoding="utf-8")
    drawing = ElementTree.fromstring(text)
    kinds = [element.tag.split("}")[1] for element in drawing]
    assert "title" in kinds and "desc" in kinds
    assert not re.search(r"(href|src|url)\s*[=(]\s*[\"']?http", text)
    assert "<script" not in text
    assert any(picture.name in prose(notebook) for notebook in NOTEBOOKS), (
        "no lab shows this picture"
    )


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "notebooks" / "images").glob("*.png")), ids=lambda path: path.stem
)
def test_screenshots_are_small_and_shown(picture):
    assert picture.stat().st_size <= 200_000
    documents = [prose(notebook) for notebook in NOTEBOOKS]
    documents.append((ROOT / "README.md").read_text(encoding="utf-8"))
    assert any(picture.name in text for text in documents)


@every_notebook
def test_plots_are_described(notebook):
    for cell in cells(notebook, "code"):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            words = cell.metadata.get("alt", "").split()
            assert len(words) >= 12, (
                f"{cell.id}: say in its metadata, as 'alt', what its plot shows"
            )


NUMBER = re.compile(r"(?<![\w.\-/#])\d+(?:,\d{3})*(?:\.\d+)?(?!\w|\.\d)")
NO_CLAIM = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|<[^>]*>"  # code, the targets of links, tags
    r"|[Ll]abs? \d+(?:(?:,| and| to) \d+)*|MLflow [\d.]+|\b[1-9] ·"  # names of labs and versions
    r"|^#+ .*?$|^\d\. |(?:[Ss]ections?|[Ee]xercise|in|of|filters of|\|) [1-9]\.\d{1,2}\b"  # headings, references to them
    r"|About \d+ minutes(?:, and \d+ for)?",  # compared with the README elsewhere
    re.DOTALL | re.MULTILINE,
)
KNOWN_OTHERWISE = {  # numbers of the text that no cell prints, and where they are from
    ("02", 1970): "the year in which computers' time begins",
    ("07", 1970): "the year in which computers' time begins",
    ("03", 90): "a usual blood pressure",
    ("03", 0.03): "the limit that the check of exercise 3.3 sets",
    ("03", 57): "told by the check of exercise 3.2",
    ("03", 85): "told by the check of exercise 3.2",
    ("07", 64): "8 × 8 pixels",
    ("07", 21): "the sweep's 20 runs and the one of exercise 7.2",
}


@every_notebook
def test_numbers_in_the_text_are_those_that_the_cells_show(notebook):
    """Each number of the prose, and of the pictures' descriptions, stands in the notebook's code or outputs, maybe rounded."""
    lab = notebook.name[:2]
    shown = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for cell in cells(notebook, "code"):
        shown += f"\n{cell.source}"
        for output in cell.outputs:
            shown += "\n".join(
                [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            )
    shown += "\n".join(re.findall(r"```python(.*?)```", prose(notebook), re.DOTALL))
    shown = re.sub(r"(\d)_(\d)", r"\1\2", shown)
    values = {float(text) for text in re.findall(r"\d+(?:\.\d+)?", shown)}
    values |= {number for place, number in KNOWN_OTHERWISE if place == lab}
    texts = [cell.metadata.get("alt", "") for cell in cells(notebook, "code")]
    unknown = []
    for text in [*texts, *(cell.source for cell in cells(notebook, "markdown"))]:
        for found in NUMBER.findall(NO_CLAIM.sub(" ", text)):
            digits = len(found.partition(".")[2])
            number = float(found.replace(",", ""))
            if not any(number in (value, round(value, digits or 9)) for value in values):
                unknown.append(f"{found} in: {text[:80]}")
    assert not unknown


@every_notebook
def test_first_picture_says_where_we_are(notebook):
    number = int(notebook.name[:2])
    words, target = LINK.search(cells(notebook, "markdown")[0].source).group(2, 3)
    assert words.startswith(f"You are here: lab {number} of seven")
    assert target == f"images/lab_{number}_of_7.svg"


@every_notebook
def test_outputs_are_whole_and_clean(notebook):
    code = cells(notebook, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), (
        "run it from top to bottom"
    )
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error", f"{cell.id} shows a traceback"
            assert output.get("name") != "stderr", f"{cell.id} shows stderr: {output.text}"
            texts = [output.get("text", "")] + [
                value for kind, value in output.get("data", {}).items() if kind.startswith("text")
            ]
            assert not any(MACHINE_PATH.search(text) for text in texts), (
                f"{cell.id} names a folder of one machine"
            )


@every_notebook
def test_cells_are_short_and_explained(notebook):
    notebook_cells = nbformat.read(notebook, as_version=4).cells
    for cell in notebook_cells:
        assert cell.source.strip(), f"{cell.id} is empty"
        assert not MACHINE_PATH.search(cell.source), f"{cell.id} names a folder of one machine"
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 20, f"{cell.id} is too long for a projector"
    kinds = "".join(cell.cell_type[0] for cell in notebook_cells)
    assert "cccc" not in kinds, "four code cells in a row, and nobody says what to look at"


@every_notebook
def test_no_cell_is_exempt_from_comparison_without_a_reason(notebook):
    for cell in cells(notebook, "code"):
        exempt = {tag for tag in cell.metadata.get("tags", []) if tag.startswith("nbval")}
        exempt |= set(re.findall(r"NBVAL_\w+|PYTEST_VALIDATE\w+", cell.source))
        if exempt:
            assert len(cell.metadata.get("reason", "").split()) >= 4, (
                f"{cell.id} is exempt and does not say why"
            )


@every_notebook
def test_metadata_is_the_same_for_everybody(notebook):
    content = nbformat.read(notebook, as_version=4)
    nbformat.validate(content)
    assert content.metadata.kernelspec.name == "python3"
    assert set(content.metadata) == {"kernelspec", "language_info"}
    assert set(content.metadata.language_info) == {"name"}
    assert all(re.fullmatch(r"[a-z0-9-]+", cell.id) for cell in content.cells), "cell ids are words"


@pytest.mark.parametrize("name", DATA)
def test_data_is_what_its_readme_says(name):
    rows, columns, checksum = DATA[name]
    path = ROOT / "data" / name
    frame = pd.read_csv(path)
    assert frame.shape == (rows, columns)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == checksum
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert checksum in readme and f"| `{name}` | {rows} | {columns} |" in readme
    if name != "digits.csv":
        assert all(f"`{column}`" in readme for column in frame.columns)


def test_data_is_scikit_learns_own():
    from sklearn.datasets import load_diabetes, load_digits, load_iris

    for name, bunch in {
        "iris.csv": load_iris(),
        "diabetes.csv": load_diabetes(scaled=False),
        "digits.csv": load_digits(),
    }.items():
        frame = pd.read_csv(ROOT / "data" / name)
        assert (frame.iloc[:, :-1].to_numpy() == bunch.data).all()
        target = bunch.target_names[bunch.target] if name == "iris.csv" else bunch.target
        assert (frame.iloc[:, -1] == target).all()


def test_labs_minutes_are_the_readmes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for notebook in NOTEBOOKS:
        ((lesson, exercises),) = re.findall(
            r"About (\d+) minutes, and (\d+) for the exer", prose(notebook)
        )
        (row,) = [
            line for line in readme.splitlines() if line.startswith("|") and notebook.name in line
        ]
        assert f"| {lesson} + {exercises} |" in row
        assert f"About {exercises} minutes" in prose(notebook).split("Exercises\n")[1]
