"""Lab 4: a search that autologging records, and a run filled both ways."""

from lab.answers import Answer, Answers, Missing, require
from lab.exercises import exercise
from lab.exercises.truth import TO_THE_OPTIMUM, iris_split

EXPERIMENT = "autolog_experiment"


def autologged(run: Answer) -> None:
    """Raise `Missing` unless autologging filled a run."""
    if "estimator_name" not in run.run.data.tags:
        raise Missing(f"{run} was not filled by autologging; switch it on before fit.")


@exercise("4.1", "A search with children")
def a_search_with_children(answers: Answers) -> str:
    parent = answers.run(EXPERIMENT, "my-search")
    autologged(parent)
    require(
        parent.tag("estimator_name") == "GridSearchCV",
        f"the training of a {parent.tag('estimator_name')} in {parent}",
        "a GridSearchCV",
        "Fit one search with all three values, instead of one model after another.",
    )
    children = parent.children()
    tried = sorted(float(child.param("C")) for child in children)
    require(
        tried == [0.1, 1.0, 10.0],
        f"children with C = {', '.join(f'{C:g}' for C in tried) or 'nothing'}",
        "0.1, 1 and 10",
        "Name these three values of C in the grid.",
    )
    best = max(children, key=lambda child: child.metric("mean_test_score"))
    return f"of three children, C = {float(best.param('C')):g} is the best."


@exercise("4.2", "Both ways in one run")
def both_ways_in_one_run(answers: Answers) -> str:
    from sklearn.linear_model import LogisticRegression

    run = answers.run(EXPERIMENT, "mine-and-automatic")
    autologged(run)
    run.param("C", 0.01)
    X_train, X_test, y_train, y_test = iris_split()
    model = LogisticRegression(C=0.01, **TO_THE_OPTIMUM).fit(X_train, y_train)
    run.metric(
        "training_accuracy_score",
        model.score(X_train, y_train),
        "Train on the flowers of the training part alone.",
    )
    run.metric(
        "mistakes",
        int((model.predict(X_test) != y_test).sum()),
        "Count the wrong names among the 30 flowers set aside.",
    )
    return f"autologging's metrics, and {run.metric('mistakes'):.0f} mistakes counted by hand."
