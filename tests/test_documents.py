"""The notebooks, the README and the guides as documents: what a reader sees before running anything."""

import ast
import hashlib
import itertools
import json
import posixpath
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from lab.setup.checks import DATA
from support import NOTEBOOKS, ROOT

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
MACHINE_PATH = re.compile(r"/home/\w+|/Users/\w+|/root\b|/tmp/|/work/|[A-Z]:\\")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
README = ROOT / "README.md"
HELP = ROOT / "notebooks" / "lab" / "README.md"
GUIDES = [
    README,
    HELP,
    ROOT / "data" / "README.md",
    ROOT / "notebooks" / "TEACHING.md",
    ROOT / "notebooks" / "lab" / "cloudera" / "README.md",
    ROOT / "tests" / "README.md",
    ROOT / ".github" / "CONTRIBUTING.md",
]
every_guide = pytest.mark.parametrize(
    "guide", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def cells(notebook: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def prose(notebook: Path) -> str:
    return "\n\n".join(cell.source for cell in cells(notebook, "markdown"))


def headings(notebook: Path) -> list[tuple[int, str]]:
    return [
        (len(marks), text)
        for marks, text in re.findall(r"^(#+) (.+)$", prose(notebook), re.MULTILINE)
    ]


def test_there_are_ten():
    assert [path.name for path in NOTEBOOKS] == [
        "01_bad_example.ipynb",
        "02_sklearn_tracking.ipynb",
        "03_pytorch_tracking.ipynb",
        "04_autolog.ipynb",
        "05_signatures.ipynb",
        "06_artifacts.ipynb",
        "07_run_search.ipynb",
        "08_your_own_script.ipynb",
        "09_folder_to_cluster.ipynb",
        "10_model_registry.ipynb",
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


def is_a_page_of_github(document: Path, target: str) -> bool:
    """Return whether a relative link leaves the files for a page that GitHub makes of the repository."""
    shown = f"/owner/repository/blob/main/{document.relative_to(ROOT).parent.as_posix()}"
    page = posixpath.normpath(f"{shown}/{target}").removeprefix("/owner/repository/")
    workflow = re.fullmatch(r"actions/workflows/([\w.]+?)(/badge\.svg)?", page)
    if workflow:
        return (ROOT / ".github" / "workflows" / workflow[1]).exists() or workflow[1] in COMING
    return page in ("deployments/github-pages", "issues/new/choose")


def anchors(document: Path) -> set[str]:
    """Return the names under which GitHub lets a link lead to a document's headings."""
    text = document.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "document", [*NOTEBOOKS, *GUIDES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere_and_pictures_are_described(document):
    text = prose(document) if document.suffix == ".ipynb" else document.read_text(encoding="utf-8")
    links = LINK.findall(text.replace("[![", "![")) + LINK.findall(text)
    for picture, words, target in links:
        if picture and not target.endswith("/badge.svg"):
            assert len(words.split()) >= 6, f"describe the picture {target} in a sentence"
            assert not target.startswith("http"), f"{target} is not here when there is no network"
        if target.startswith(("http", "#")) or is_a_page_of_github(document, target):
            continue
        name, _, anchor = target.partition("#")
        assert (document.parent / name).exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(document.parent / name), f"no heading {target}"


# The next four tests: what the guides name is there.
COMING = {"help-all", "tests/maintain.mk"}
MADE_BY_RUNNING = re.compile(
    r"\.venv.*|build/.*|mlruns(?:-before-mending)?/?|mlartifacts/|\w+\.db|notebooks/mlflow\.db|class\.csv|grades\.csv|roster\.csv|class-server/.*|class-backup\..*|accounts\.(?:csv|db)|/data/.*|wheels|HUB/.*|\d+/\d+"
)
A_FILE = re.compile(
    r"\.?[\w*-]+(?:[./][\w*-]+)*\.(?:py|md|txt|yml|yaml|json|cfg|ipynb|csv|mk|cff)|\.?[\w-]+(?:/[\w.*-]+)*/|\w+/\w+"
)


def code_in(guide: Path) -> list[str]:
    """Return what a guide sets as code: its blocks, and the spans in its sentences."""
    text = guide.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```\w+\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@every_guide
def test_commands_in_the_guides_exist(guide):
    makefiles = [ROOT / "Makefile", *(ROOT / "tests").glob("*.mk")]
    rules = "\n".join(path.read_text(encoding="utf-8") for path in makefiles)
    targets = set(re.findall(r"^([a-z][a-z-]*):", rules, re.MULTILINE)) | COMING
    for code in code_in(guide):
        for target in re.findall(r"(?:^|[ (])make ([a-z][a-z-]*)", code, re.MULTILINE):
            assert target in targets, f"there is no make {target}"
        for module in re.findall(r"-m (lab[.\w]+)", code):
            path = ROOT / "notebooks" / module.replace(".", "/")
            there = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
            assert there or module in COMING, f"there is no {module}"


@every_guide
def test_files_in_the_guides_exist(guide):
    places = (ROOT, guide.parent, ROOT / "notebooks")
    for code in code_in(guide):
        for name in code.replace("\\", "/").split():
            if A_FILE.fullmatch(name) and not MADE_BY_RUNNING.fullmatch(name):
                there = any(any(place.glob(name.rstrip("/"))) for place in places)
                assert there or name in COMING, f"there is no {name}"


@every_guide
def test_guides_name_no_folder_of_one_machine(guide):
    assert not MACHINE_PATH.search(guide.read_text(encoding="utf-8"))


def test_readme_is_short():
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    for line in lines:
        assert len(line) <= (225 if line.startswith(("|", "!", "https://")) else 140), line


def strings_of(path: Path) -> str:
    """Return all texts in a Python file, one a line, with … where a value is put in."""
    texts = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            texts.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value.replace("{}", "…"))
    return "\n".join(text.replace("\n", " ") for text in texts)


def said_by_python() -> str:
    """Return what Python says of the mistakes in the tables."""
    said = []
    for code in ("int('1.5')", "nothing", "__import__('lab')"):
        folders, sys.path = sys.path, []
        loaded = sys.modules.pop("lab", None)
        try:
            eval(code)
        except Exception as error:
            said.append(f"{type(error).__name__} {error}")
        finally:
            sys.path = folders
            if loaded:
                sys.modules["lab"] = loaded
    return "\n".join(said)


@pytest.fixture(scope="module")
def messages():
    """All texts of the labs' package, of the parts of MLflow that the tables quote, and of Python."""
    import mlflow

    package = Path(mlflow.__file__).parent
    parts = ["tracking/fluent.py", "server/security_utils.py"]
    parts += ["store/tracking/file_store.py", "store/tracking/sqlalchemy_store.py"]
    parts += ["store/db/utils.py", "../alembic/script/base.py"]
    files = [*(ROOT / "notebooks" / "lab").rglob("*.py"), *(package / part for part in parts)]
    shown = [cell.source for notebook in NOTEBOOKS for cell in cells(notebook, "code")]
    return "\n".join([*map(strings_of, files), *shown, said_by_python()])


@pytest.mark.parametrize("guide", [README, HELP], ids=["README", "help"])
def test_troubles_are_quoted_as_they_are_said(guide, messages):
    text = guide.read_text(encoding="utf-8")
    (table,) = re.findall(r"\| what you see \|.*?\n((?:\|.*\n)+)", text)
    rows = table.splitlines()[1:]
    assert guide == HELP or len(rows) == 8
    for row in rows:
        seen = row.split("|")[1]
        for quote in re.findall(r"`([^`]+)`", seen):
            if not quote.startswith(("make ", "log_model")):
                pattern = ".*".join(map(re.escape, re.split(r" ?… ?", quote)))
                assert re.search(pattern, messages), f"nobody says {quote}"


def test_readme_s_troubles_are_in_the_help():
    def seen(guide: Path) -> set[str]:
        (table,) = re.findall(r"\| what you see \|.*?\n((?:\|.*\n)+)", guide.read_text("utf-8"))
        return {row.split("|")[1].strip() for row in table.splitlines()[1:]}

    assert seen(README) <= seen(HELP)


def test_figures_in_the_tests_readme_are_true():
    from importlib import import_module

    from kernel import EXERCISES

    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    answers = [import_module(f"answers.lab{path.name[:2]}") for path in NOTEBOOKS]
    stores = re.findall(r"^def test_lab(\d\d)", (ROOT / "tests/test_stores.py").read_text(), re.M)
    replayed = sum(len(cells(notebook, "code")) for notebook in NOTEBOOKS)
    for what, figure in {
        "cells that are replayed and compared": replayed,
        "… again on a simulated computer": replayed,
        "exercises": len(EXERCISES),
        "wrong answers that are tried": sum(len(lab.WRONG) for lab in answers),
        "right answers that are tried, besides the solutions": sum(
            len(lab.RIGHT) for lab in answers
        ),
        "stores that are opened and looked through, one for each lab": len(set(stores)),
    }.items():
        assert f"| {what} | {figure} |" in text


def test_every_test_file_is_in_the_tests_readme():
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    here = ROOT / "tests"
    for path in [*here.glob("*.py"), *here.glob("tools/*.py"), *here.glob("*/__init__.py")]:
        name = path.relative_to(here).as_posix().removesuffix("__init__.py")
        assert f"`{name}`" in text, f"tests/README.md does not say what {name} is for"


FIELDS = {  # of GitHub's forms, by type: what their attributes must have
    "input": {"label"},
    "textarea": {"label"},
    "dropdown": {"label", "options"},
}


@pytest.mark.parametrize("name", ["output-differs", "check-is-wrong", "idea"])
def test_issue_forms_are_whole(name):
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(form) == {"name", "description", "labels", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert set(field) <= {"type", "id", "attributes", "validations"}
        allowed = {"label", "description", "placeholder", "render", "options"}
        assert FIELDS[field["type"]] <= set(field["attributes"]) <= allowed
        if field["id"] == "lab":
            options = field["attributes"]["options"]
            assert options == [str(int(notebook.name[:2])) for notebook in NOTEBOOKS]


def test_dev_container_s_commands_and_files_exist():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    content = json.loads(re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    target = content["onCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(map(str, content["forwardPorts"])) == set(content["portsAttributes"])
    for name in content["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name).exists()


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
    documents += [guide.read_text(encoding="utf-8") for guide in GUIDES]
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
    r"|[Ll]abs? \d+(?:(?:,| and| to) \d+)*|MLflow [\d.]+|\b\d+ ·"  # names of labs and versions
    r"|^#+ .*?$|^\d\. |(?:[Ss]ections?|[Ee]xercise|in|of|filters of|\|) \d{1,2}\.\d{1,2}\b"  # headings, references to them
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
    ("08", 0.621): "lab 2 prints it",
    ("08", 0.022): "lab 2 prints it",
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
    assert re.match(rf"You are here: lab {number} of ten\b", words)
    assert target == f"images/lab_{number}.svg"


def test_lab_2_shows_the_commit_that_its_text_speaks_of():
    """Which one differs, so it is left out when outputs are compared."""
    (lab,) = [notebook for notebook in NOTEBOOKS if notebook.name.startswith("02")]
    shown = {cell.id: cell.outputs for cell in cells(lab, "code")}
    assert re.search(r"git_commit +[0-9a-f]{12}-dirty", shown["files"][0].text)


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
    readme = README.read_text(encoding="utf-8")
    all_lessons = all_exercises = 0
    for notebook in NOTEBOOKS:
        ((lesson, exercises),) = re.findall(
            r"About (\d+) minutes, and (\d+) for the exer", prose(notebook)
        )
        all_lessons += int(lesson)
        all_exercises += int(exercises)
        (row,) = [
            line for line in readme.splitlines() if line.startswith("|") and notebook.name in line
        ]
        assert f"| {lesson} + {exercises} |" in row
        assert f"About {exercises} minutes" in prose(notebook).split("Exercises\n")[1]
    assert f"{all_lessons} minutes of lessons and {all_exercises} of\nexercises" in readme
