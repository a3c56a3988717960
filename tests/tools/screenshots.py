"""`make screenshots`: the labs' pictures of the MLflow UI, on a store that the notebooks fill, and those of the guides."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from invented_class import students
from kernel import Kernel, cells_of
from lab.classroom.page import render
from mlflow_ui import MlflowUI
from notebook_page import JUPYTERLAB_ADDRESS, NotebookPage, all_cells_on_the_page
from PIL import Image
from playwright.sync_api import (
    Browser,
    FloatRect,
    Locator,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from support import NOTEBOOKS, ROOT, UI_ADDRESS, chromium, copy_project, execute, make, started

TARGET = ROOT / "notebooks" / "images"
# Two pixels a point: then the UI's letters are, in a notebook, as large as the text around them.
SHARPNESS = 2
SIDEBAR = 200  # points; the same on every page, and not what a picture is about
MARGIN = 6  # points
COLORS = 128
LARGEST = 200_000  # bytes


def runs(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 2: three settings, with the values that tell them apart."""
    ui.experiment("sklearn_experiment")
    ui.toggle_columns("Dataset", "Source", "Models", "Metrics (2)", "C")
    ui.tick(*[f"{word}-regularization" for word in ("weak", "medium", "strong")])
    compare = ui.page.get_by_role("button", name="Compare")
    return compare, ui.table, ui.page.get_by_role("link", name="first-look")


def run(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 2: what one run is made of."""
    ui.experiment("sklearn_experiment")
    ui.run("first-look")
    corner = ui.page.get_by_role("button", name="Open header dropdown menu")
    return corner, ui.page.get_by_text("max_iter")


def curves(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 3: the losses by epoch."""
    ui.experiment("pytorch_experiment")
    ui.charts()
    ui.page.get_by_placeholder("Search metric charts").fill("loss")
    expect(ui.page.get_by_text("test_rmse")).to_have_count(0, timeout=30_000)
    ui.row("ridge").get_by_text("Hide run").click(force=True)  # it has no curve
    chart = ui.page.locator(".js-plotly-plot").last
    return (
        ui.page.get_by_text("Run Name"),
        chart,
        ui.page.get_by_text("simple-model (val_loss)").last,
    )


def children(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 4: a grid search with its children unfolded."""
    ui.experiment("autolog_experiment")
    ui.unfold("grid-search")
    ui.toggle_columns("Dataset", "Source", "Models", "best_cv_score", "mean_test_score", "C")
    return ui.table, ui.page.get_by_role("link", name="by-hand")


def model(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 5: a logged model's files, and the signature in one of them."""
    ui.experiment("signature_experiment")
    ui.model_of("signature", "ridge", "Artifacts")
    ui.page.get_by_text("MLmodel", exact=True).click()
    heading = ui.page.get_by_role("heading", name="ridge")
    return heading, ui.page.get_by_text("artifact_path:").first, ui.page.get_by_text("outputs:")


def confusion(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 6: a picture among the artifacts of a run."""
    ui.experiment("artifact_experiment")
    ui.run("digits", "Artifacts")
    ui.page.get_by_text("confusion_matrix.png", exact=True).click()
    return ui.page.get_by_role("tab", name="Artifacts"), ui.page.locator("img:visible").last


def sweep(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 7: a sweep as parallel lines."""
    ui.experiment("search_experiment")
    ui.unfold("sweep")
    ui.tick("sweep")  # and, with it, its children
    ui.page.get_by_role("button", name="Compare").click()
    ui.page.get_by_text("Please select metrics").click(force=True)
    ui.page.get_by_title("accuracy", exact=True).click()
    ui.page.keyboard.press("Escape")
    return ui.page.get_by_text("Parallel Coordinates Plot"), ui.page.locator(".js-plotly-plot")


def registry(ui: MlflowUI) -> tuple[Locator, ...]:
    """Lab 10: a registered model with its versions and aliases."""
    ui.registered_model(re.compile("^diabetes-"))
    corner = ui.page.get_by_role("button", name="Open header dropdown menu")
    return (
        ui.page.get_by_text("Registered Models"),
        corner,
        ui.page.get_by_role("link", name="Version 1"),
    )


# Each picture with the width and height of the window that shows it best, in points.
PICTURES = {
    runs: (1100, 700),
    run: (1290, 900),
    curves: (1250, 800),
    children: (1100, 900),
    model: (1150, 1010),
    confusion: (1000, 900),
    sweep: (1200, 800),
    registry: (1200, 1000),
}


def main() -> None:
    """Run the labs on a store of their own, and write the pictures of that store to `notebooks/images/`."""
    try:
        options = chromium()
    except FileNotFoundError as error:
        sys.exit(f"Error: {error}")
    with tempfile.TemporaryDirectory(prefix="labs-") as folder:
        project = copy_project(Path(folder) / "project", installed=True)
        shutil.copytree(ROOT / ".git", project / ".git")  # runs record the commit
        for notebook in NOTEBOOKS[1:]:
            print(f"Running {notebook.name} …", flush=True)
            execute(project / "notebooks" / notebook.name, {"LAB_STUDENT": "student"})
        serve = [sys.executable, "-m", "lab", "ui"]
        with (
            started(serve, UI_ADDRESS, project / "notebooks", {}) as (_, _, found),
            sync_playwright() as playwright,
            playwright.chromium.launch(**options) as browser,
        ):
            class_page(browser)
            for take, (width, height) in PICTURES.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height}, device_scale_factor=SHARPNESS
                )
                shown = take(MlflowUI(page, found[1]).open())
                write(f"ui_{take.__name__}", picture(page, *shown))
                page.close()
            cluster(browser, project)
            serve = make("lab", "ARGS=--no-browser")
            settings = all_cells_on_the_page(Path(folder) / "settings")
            with started(serve, JUPYTERLAB_ADDRESS, project, settings) as (_, _, found):
                jupyterlab(browser, *found.groups())


def jupyterlab(browser: Browser, address: str, token: str) -> None:
    """Write the picture of lab 2 in JupyterLab, where it compares three settings."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    lab = NotebookPage(page, address, token)
    lab.open(NOTEBOOKS[1].name)
    lab.menu("Run", "Run All Cells")
    lab.wait_until_idle()
    below = page.get_by_role("paragraph").filter(has_text="A typo: we pass")
    below.scroll_into_view_if_needed()
    below.click()
    page.wait_for_timeout(1000)
    write("jupyterlab", packed(page.screenshot()))


def cluster(browser: Browser, project: Path) -> None:
    """Write the picture of lab 9: its sweeps on the server that it starts."""
    (notebook,) = (project / "notebooks").glob("09_*.ipynb")
    with Kernel(notebook.parent, {"LAB_STUDENT": "student"}) as kernel:
        for cell in cells_of(notebook).values():
            if cell.cell_type == "code":
                _, error = kernel.run(cell.source)
                assert not error, error
            if cell.id == "dask-runs":
                break
        address = kernel.run("print(address)")[0].strip()
        size: ViewportSize = {"width": 1100, "height": 900}
        page = browser.new_page(viewport=size, device_scale_factor=SHARPNESS)
        ui = MlflowUI(page, address).open()
        ui.experiment("cluster_experiment")
        ui.unfold("Dask")
        ui.toggle_columns("Dataset", "Source", "Models", "accuracy", "worker")
        below = ui.page.get_by_role("link", name="in a loop")
        write("ui_cluster", picture(page, ui.table, below))


def write(name: str, image: bytes) -> None:
    path = TARGET / f"{name}.png"
    path.write_bytes(image)
    print(f"{path.relative_to(ROOT)}: {len(image) / 1000:.0f} kB", flush=True)


def class_page(browser: Browser) -> None:
    """Write the picture of the teacher's page, of a class that does not exist."""
    os.environ["LAB_TRACKING_URI"] = "http://127.0.0.1:5000"
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    now = time.time()
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(render(students(16, now), now, now))
        file.flush()
        page.goto(Path(file.name).as_uri())
    write("class_page", packed(page.screenshot(full_page=True)))
    page.close()
    del os.environ["LAB_TRACKING_URI"]


def picture(page: Page, *shown: Locator) -> bytes:
    """Return a PNG of the part of a page, right of the sidebar, that holds these elements."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(3000)  # plots move into place, and menus fade
    for element in shown:
        expect(element).to_be_visible()
    boxes = [box for element in shown if (box := element.bounding_box())]
    top = min(box["y"] for box in boxes) - MARGIN
    clip: FloatRect = {
        "x": SIDEBAR,
        "y": top,
        "width": max(box["x"] + box["width"] for box in boxes) + 4 * MARGIN - SIDEBAR,
        "height": max(box["y"] + box["height"] for box in boxes) + MARGIN - top,
    }
    return packed(page.screenshot(clip=clip))


def packed(shot: bytes) -> bytes:
    """Return a screenshot as a small PNG."""
    file = io.BytesIO()
    few = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    assert file.tell() <= LARGEST, f"{file.tell()} bytes are too many: crop it or use fewer colours"
    return file.getvalue()


if __name__ == "__main__":
    main()
