"""The MLflow UI on the store that the notebooks filled: the way to each picture of the labs, as the lessons describe it."""

import pytest
from playwright.sync_api import expect
from screenshots import PICTURES

pytestmark = pytest.mark.browser
SAID = {  # what the lessons say is to be seen there
    "runs": ("0.6206", "0.0222", "crash"),
    "run": ("Finished", "iris (2ca62e17)", "see what a run is made of", "log_loss", "0.1112"),
    "curves": ("mlp (train_loss)", "mlp (val_loss)"),
    "children": ("mean_test_score",),
    "model": ("MLmodel", "progression"),
    "confusion": ("sample_predictions.csv",),
    "sweep": ("accuracy",),
    "registry": ("@ champion", "gate: passed"),
}


@pytest.mark.parametrize("take", PICTURES, ids=lambda take: take.__name__)
def test_the_way_to_a_picture(take, mlflow_ui, watch):
    width, height = PICTURES[take]
    mlflow_ui.page.set_viewport_size({"width": width, "height": height})
    for element in take(mlflow_ui):
        expect(element).to_be_visible()
    for words in SAID[take.__name__]:
        expect(mlflow_ui.page.get_by_text(words).first).to_be_attached()
    assert not watch.elsewhere


def test_search_field_takes_the_filters_of_lab_7(mlflow_ui):
    mlflow_ui.experiment("sklearn_experiment")
    mlflow_ui.search("params.C = '100.0'")
    expect(mlflow_ui.row("weak-regularization")).to_be_visible()
    expect(mlflow_ui.row("strong-regularization")).to_have_count(0)
