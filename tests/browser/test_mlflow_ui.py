"""The MLflow UI on the store that the notebooks filled: what the labs tell the student to click, clicked."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_experiments_of_all_labs_are_listed(mlflow_ui, watch):
    from lab.store import EXPERIMENTS

    page = mlflow_ui.page
    page.get_by_role("link", name="Experiments", exact=True).click()
    for name in EXPERIMENTS:
        if name not in ("answers_by_hand", "script_experiment"):  # which hold answers alone
            expect(
                page.get_by_role("cell").get_by_role("link", name=name, exact=True)
            ).to_be_visible()
    assert not watch.elsewhere


def test_table_shows_the_three_settings_of_lab_2(mlflow_ui):
    mlflow_ui.experiment("sklearn_experiment")
    mlflow_ui.toggle_columns("Dataset", "Source", "Models", "Metrics (2)", "C")
    rows = mlflow_ui.page.locator(".ag-center-cols-container .ag-row")
    expect(rows.filter(has_text="0.6206")).to_contain_text("0.01")
    expect(rows.filter(has_text="0.0222")).to_contain_text("100.0")
    expect(mlflow_ui.row("crash")).to_be_visible()


def test_run_is_found_by_name_and_shows_its_parts(mlflow_ui):
    page = mlflow_ui.page
    mlflow_ui.experiment("sklearn_experiment")
    mlflow_ui.run("first-look")
    for words in (
        "Finished",
        "iris (2ca62e17)",
        "see what a run is made of",
        "log_loss",
        "max_iter",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_text("0.1112", exact=False).first).to_be_visible()
    expect(page.get_by_text("lbfgs", exact=True)).to_be_visible()


def test_search_field_takes_the_filters_of_lab_7(mlflow_ui):
    mlflow_ui.experiment("sklearn_experiment")
    mlflow_ui.search("params.C = '100.0'")
    expect(mlflow_ui.row("weak-regularization")).to_be_visible()
    expect(mlflow_ui.row("strong-regularization")).to_have_count(0)


def test_two_runs_are_compared(mlflow_ui):
    page = mlflow_ui.page
    mlflow_ui.experiment("sklearn_experiment")
    mlflow_ui.tick("strong-regularization", "weak-regularization")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Comparing 2 Runs from 1 Experiment")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    for words in ("strong-regularization", "weak-regularization", "0.01", "100.0"):
        expect(page.get_by_text(words, exact=True).first).to_be_attached()


def test_curves_of_lab_3(mlflow_ui):
    mlflow_ui.experiment("pytorch_experiment")
    mlflow_ui.charts()
    mlflow_ui.page.get_by_placeholder("Search metric charts").fill("loss")
    for chart in ("train_loss", "val_loss"):
        expect(mlflow_ui.page.get_by_text(f"mlp ({chart})")).to_be_visible()


def test_children_of_lab_4_unfold(mlflow_ui):
    mlflow_ui.experiment("autolog_experiment")
    names = mlflow_ui.page.locator(".ag-row a[href*='/runs/']")
    before = names.count()
    mlflow_ui.unfold("grid-search")
    expect(names).to_have_count(before + 5)


def test_signature_of_lab_5(mlflow_ui):
    mlflow_ui.experiment("signature_experiment")
    mlflow_ui.model_of("signature", "ridge", "Artifacts")
    mlflow_ui.page.get_by_text("MLmodel", exact=True).click()
    expect(mlflow_ui.page.get_by_text("progression").first).to_be_visible()


def test_artifacts_of_lab_6_are_shown(mlflow_ui):
    page = mlflow_ui.page
    mlflow_ui.experiment("artifact_experiment")
    mlflow_ui.run("digits", "Artifacts")
    page.get_by_text("confusion_matrix.png", exact=True).click()
    picture = page.locator("img:visible").last
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 300
    page.get_by_text("sample_predictions.csv", exact=True).click()
    expect(page.get_by_text("predicted", exact=True).first).to_be_visible()


def test_version_of_lab_10_leads_back_to_its_run(mlflow_ui):
    page = mlflow_ui.page
    mlflow_ui.registered_model(re.compile("^diabetes-"))
    champion = page.get_by_role("row").filter(has_text="@ champion")
    expect(champion).to_contain_text("gate: passed")
    champion.get_by_role("link", name="Version").click()
    page.get_by_role("link", name="alpha=30.0").click()
    expect(page.get_by_role("heading", name="alpha=30.0")).to_be_visible()
