"""The notebooks, the README and the guides as documents: what a reader sees before running anything."""

import ast
import hashlib
import itertools
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import sklearn.datasets
import yaml
from lab.setup.checks import DATA
from support import NOTEBOOKS, ROOT

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
MACHINE_PATH = re.compile(r"/home/\w+|/Users/\w+|/root\b|/tmp/|/work/|[A-Z]:\\")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
OF_GITHUB = re.compile(r"(\.\./)+(deployments/github-pages|issues/new/choose)$")
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


@every_notebook
def test_form(notebook):
    """Its title, a map, its minutes and objectives, numbered sections, a recap, and links to its neighbours."""
    number, place = int(notebook.name[:2]), NOTEBOOKS.index(notebook)
    first = cells(notebook, "markdown")[0].source
    assert re.match(rf"# {number} · \S", first) and number == place + 1
    words, target = LINK.search(first).group(2, 3)
    assert re.match(rf"You are here: lab {number} of ten\b", words)
    assert target == f"images/lab_{number}.svg"
    minutes = r"\*\*About \d+ minutes, and \d+ for the exercises\.\*\* After this lab you can"
    assert re.search(minutes, first) and len(re.findall(r"^- ", first, re.MULTILINE)) >= 3
    assert cells(notebook, "code")[0].source == "import lab\n\nlab.start()"
    found = re.findall(r"^(#+) (.+)$", prose(notebook), re.MULTILINE)
    levels = [len(marks) for marks, _ in found]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    sections = [text.split()[0] for _, text in found if re.match(r"\d+\.\d+ ", text)]
    assert sections == [f"{number}.{section}" for section in range(1, len(sections) + 1)]
    assert "Recap" in [text for _, text in found]
    last_line = cells(notebook, "markdown")[-1].source.splitlines()[-1]
    linked = {target for _, _, target in LINK.findall(last_line)}
    assert {path.name for path in NOTEBOOKS[max(place - 1, 0) : place + 2] if path != notebook} <= (
        linked
    )


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
    assert not MACHINE_PATH.search(text), "it names a folder of one machine"
    links = LINK.findall(text.replace("[![", "![")) + LINK.findall(text)
    for picture, words, target in links:
        if picture and not target.endswith("/badge.svg"):
            assert len(words.split()) >= 6, f"describe the picture {target} in a sentence"
            assert not target.startswith("http"), f"{target} is not here when there is no network"
        name, _, anchor = target.partition("#")
        if target.startswith(("http", "#")) or OF_GITHUB.match(target):
            continue
        name = re.sub(r"^.*actions/(workflows/[^/]+).*", rf"{ROOT}/.github/\1", name)
        assert (document.parent / name).exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(document.parent / name), f"no heading {target}"


# The next four tests: what the guides name is there.
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
    targets = set(re.findall(r"^([a-z][a-z-]*):", rules, re.MULTILINE))
    for code in code_in(guide):
        for target in re.findall(r"(?:^|[ (])make ([a-z][a-z-]*)", code, re.MULTILINE):
            assert target in targets, f"there is no make {target}"
        for module in re.findall(r"-m (lab[.\w]+)", code):
            path = ROOT / "notebooks" / module.replace(".", "/")
            there = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
            assert there, f"there is no {module}"


@every_guide
def test_files_in_the_guides_exist(guide):
    places = (ROOT, guide.parent, ROOT / "notebooks")
    for code in code_in(guide):
        for name in code.replace("\\", "/").split():
            if A_FILE.fullmatch(name) and not MADE_BY_RUNNING.fullmatch(name):
                there = any(any(place.glob(name.rstrip("/"))) for place in places)
                assert there, f"there is no {name}"


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


@pytest.fixture(scope="module")
def messages():
    """All texts of the labs' package, and of the parts of MLflow that the tables quote."""
    import mlflow

    package = Path(mlflow.__file__).parent
    parts = ["tracking/fluent.py", "server/security_utils.py"]
    parts += ["store/tracking/file_store.py", "store/tracking/sqlalchemy_store.py"]
    parts += ["store/db/utils.py", "../alembic/script/base.py"]
    files = [*(ROOT / "notebooks" / "lab").rglob("*.py"), *(package / part for part in parts)]
    shown = [cell.source for notebook in NOTEBOOKS for cell in cells(notebook, "code")]
    return "\n".join([*map(strings_of, files), *shown])


# What Python says of the mistakes in the tables.
OF_PYTHON = ("No module named 'lab'", "invalid literal for int()", "NameError", "address already ")


def troubles(guide: Path) -> list[str]:
    (table,) = re.findall(r"\| what you see \|.*?\n((?:\|.*\n)+)", guide.read_text("utf-8"))
    return [row.split("|")[1].strip() for row in table.splitlines()[1:]]


def test_troubles_are_quoted_as_they_are_said(messages):
    assert len(troubles(README)) == 8 and set(troubles(README)) <= set(troubles(HELP))
    for seen in troubles(HELP):
        for quote in re.findall(r"`([^`]+)`", seen):
            if not quote.startswith(("make ", "log_model", *OF_PYTHON)):
                pattern = ".*".join(map(re.escape, re.split(r" ?… ?", quote)))
                assert re.search(pattern, messages), f"nobody says {quote}"


def test_every_test_file_is_in_the_tests_readme():
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    here = ROOT / "tests"
    for path in [*here.glob("*.py"), *here.glob("tools/*.py"), *here.glob("*/__init__.py")]:
        name = path.relative_to(here).as_posix().removesuffix("__init__.py")
        assert f"`{name}`" in text, f"tests/README.md does not say what {name} is for"


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*-*.yml")), ids=str)
def test_issue_forms_name_the_labs(path):
    """Their form is checked by `make lint`."""
    fields = yaml.safe_load(path.read_text(encoding="utf-8"))["body"]
    for lab in [field for field in fields if field["id"] == "lab"]:
        assert lab["attributes"]["options"] == [str(int(path.name[:2])) for path in NOTEBOOKS]


def test_dev_container_s_commands_and_files_exist():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    content = json.loads(re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    target = content["onCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(map(str, content["forwardPorts"])) == set(content["portsAttributes"])
    for name in content["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name).exists()


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "notebooks" / "images").iterdir()), ids=lambda path: path.name
)
def test_pictures_are_shown_and_small_and_stand_alone(picture):
    documents = [prose(notebook) for notebook in NOTEBOOKS]
    documents += [guide.read_text(encoding="utf-8") for guide in GUIDES]
    assert any(picture.name in text for text in documents)
    assert picture.stat().st_size <= 200_000
    if picture.suffix == ".svg":
        text = picture.read_text(encoding="utf-8")
        kinds = {element.tag.split("}")[1] for element in ElementTree.fromstring(text)}
        assert {"title", "desc"} <= kinds and "<script" not in text
        assert not re.search(r"(href|src|url)\s*[=(]\s*[\"']?http", text)


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


def test_lab_2_shows_the_commit_that_its_text_speaks_of():
    """Which one differs, so it is left out when outputs are compared."""
    (lab,) = [notebook for notebook in NOTEBOOKS if notebook.name.startswith("02")]
    shown = {cell.id: cell.outputs for cell in cells(lab, "code")}
    assert re.search(r"git_commit +[0-9a-f]{12}(-dirty)?\n", shown["files"][0].text)


@every_notebook
def test_cells_are_short_and_their_outputs_whole_and_clean(notebook):
    content = nbformat.read(notebook, as_version=4)
    nbformat.validate(content)
    assert content.metadata.kernelspec.name == "python3"
    assert set(content.metadata) == {"kernelspec", "language_info"}
    assert set(content.metadata.language_info) == {"name"}
    kinds = "".join(cell.cell_type[0] for cell in content.cells)
    assert "cccc" not in kinds, "four code cells in a row, and nobody says what to look at"
    for cell in content.cells:
        assert re.fullmatch(r"[a-z0-9-]+", cell.id), "cell ids are words"
        assert cell.source.strip(), f"{cell.id} is empty"
        assert not MACHINE_PATH.search(cell.source), f"{cell.id} names a folder of one machine"
    code = cells(notebook, "code")
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1)), "run it from top to bottom"
    for cell in code:
        assert len(cell.source.splitlines()) <= 20, f"{cell.id} is too long for a projector"
        exempt = {tag for tag in cell.metadata.get("tags", []) if tag.startswith("nbval")}
        if exempt or re.search(r"NBVAL_\w+|PYTEST_VALIDATE\w+", cell.source):
            reason = cell.metadata.get("reason", "").split()
            assert len(reason) >= 4, f"{cell.id} is exempt from comparison and does not say why"
        for output in cell.outputs:
            assert output.output_type != "error", f"{cell.id} shows a traceback"
            assert output.get("name") != "stderr", f"{cell.id} shows stderr: {output.text}"
            data = output.get("data", {})
            texts = [output.get("text", ""), *(data[kind] for kind in data if "text" in kind)]
            assert not MACHINE_PATH.search("\n".join(texts)), f"{cell.id} names a folder"
            if "image/png" in data:
                words = cell.metadata.get("alt", "").split()
                assert len(words) >= 12, f"{cell.id}: say as 'alt' what its plot shows"


def test_data_is_what_its_readme_says_and_scikit_learns_own():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name, (rows, columns, checksum) in DATA.items():
        path = ROOT / "data" / name
        frame = pd.read_csv(path)
        assert frame.shape == (rows, columns)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == checksum
        assert checksum in readme and f"| `{name}` | {rows} | {columns} |" in readme
        if name != "digits.csv":
            assert all(f"`{column}`" in readme for column in frame.columns)
        options = {"scaled": False} if name == "diabetes.csv" else {}
        bunch = getattr(sklearn.datasets, f"load_{path.stem}")(**options)
        assert (frame.iloc[:, :-1].to_numpy() == bunch.data).all()
        target = bunch.target_names[bunch.target] if name == "iris.csv" else bunch.target
        assert (frame.iloc[:, -1] == target).all()


def test_lab08_scripts_send_no_usage_data():
    (notebook,) = (path for path in NOTEBOOKS if path.name.startswith("08_"))
    (clean,) = (cell.source for cell in cells(notebook, "code") if cell.id == "clean")
    names: dict = {}
    exec(clean, names)
    assert names["clean"]["MLFLOW_DISABLE_TELEMETRY"] == "true"


def minutes_of(notebook: Path) -> int:
    """Return what a lesson takes: a minute for 100 words, eight lines of code, or two steps in the UI; rounded up to five.

    Whoever meets a terminal (lab 8) or Dask (lab 9) for the first time needs twenty more.
    """
    of_exercises = re.compile(r"(exercise|answer|check|solution)-\d")
    every_cell = nbformat.read(notebook, as_version=4).cells
    lesson = [cell for cell in every_cell if not of_exercises.match(cell.id)]
    texts = [cell.source for cell in lesson if cell.cell_type == "markdown"]
    text = "\n".join(texts)
    words = re.findall(r"\S*\w\S*", re.sub(r"!\[.*?\]\(.*?\)|```.*?```", "", text, flags=re.DOTALL))
    code = "\n".join(cell.source for cell in lesson if cell.cell_type == "code")
    code += "".join(re.findall(r"```\w+(.*?)```", text, re.DOTALL))
    for script in re.findall(r'Path\("(\w+\.py)"\)', code):  # is read before it is run
        code += (notebook.parent / script).read_text("utf-8")
    lines = sum(bool(line.strip()) for line in code.splitlines())
    steps = sum(len(re.findall(r"^\d\. ", each, re.MULTILINE)) for each in texts if "UI" in each)
    more = 20 * notebook.name.startswith(("08", "09"))
    return 5 * math.ceil((len(words) / 100 + lines / 8 + steps / 2 + more) / 5)


def test_labs_minutes_are_the_readmes():
    readme = README.read_text(encoding="utf-8")
    all_lessons = all_exercises = 0
    for notebook in NOTEBOOKS:
        ((lesson, exercises),) = re.findall(
            r"About (\d+) minutes, and (\d+) for the exer", prose(notebook)
        )
        assert int(lesson) == minutes_of(notebook)
        all_lessons += int(lesson)
        all_exercises += int(exercises)
        (row,) = [
            line for line in readme.splitlines() if line.startswith("|") and notebook.name in line
        ]
        assert f"| {lesson} + {exercises} |" in row
        assert f"About {exercises} minutes" in prose(notebook).split("Exercises\n")[1]
    assert f"{all_lessons} minutes of lessons and {all_exercises} of\nexercises" in readme
