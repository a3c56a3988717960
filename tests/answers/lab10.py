"""Answers to the exercises of lab 10."""

from answers import Accepted, Attempt

# Each begins with the winner of the sweep as champion, as the task asks.
START = """
from sklearn.svm import SVR

client.set_registered_model_alias(name, "champion", winner.version)
linear = {"kernel": "linear", "C": 1.0}
"""
REGISTERED = (
    START
    + """
info = train("my-challenger", [SVR(**linear)], linear, registered_model_name=name)
mine = client.get_model_version(name, info.registered_model_version)
"""
)
TAG = 'client.set_model_version_tag(name, {version}.version, "{key}", {text})\n'
ALIAS = 'client.set_registered_model_alias(name, "{alias}", {number})\n'
# A version of which each wrong answer leaves out, or changes, one thing.
DOCUMENTED = """
from sklearn.svm import SVR


def document(
    version=winner,
    description="Ridge regression on ten measurements of people with diabetes",
    digest=None,
    error=None,
    alias="documented",
    champion=True,
):
    (logged,) = mlflow.get_run(version.run_id).inputs.dataset_inputs
    measured = evaluate(version).metrics["root_mean_squared_error"]
    tags = {"data_digest": digest or logged.dataset.digest, "held_out_rmse": error or f"{measured:.2f}"}
    for key, text in tags.items():
        client.set_model_version_tag(name, version.version, key, text)
    client.update_model_version(name, version.version, description)
    client.set_registered_model_alias(name, alias, version.version)
    if champion:
        client.set_registered_model_alias(name, "champion", version.version)


"""

WRONG = [
    Attempt(
        "10.1",
        "⬜",
        "there is no run 'my-challenger' of yours in the experiment 'registry_experiment', but one named 'my_challenger'",
        START + 'train("my_challenger", [SVR(**linear)], linear, registered_model_name=name)',
    ),
    Attempt(
        "10.1",
        "⬜",
        "is from the run 'my-challenger'; register its model with mlflow.register_model",
        START + 'train("my-challenger", [SVR(**linear)], linear)',
    ),
    Attempt(
        "10.1",
        "⬜",
        "is from the run 'my-challenger', but 'diabetes' has one; register",
        START + 'train("my-challenger", [SVR(**linear)], linear, registered_model_name="diabetes")',
    ),
    Attempt("10.1", "⬜", "has no tag 'gate'; call promote with this version", REGISTERED),
    Attempt(
        "10.1",
        "❌",
        "minimum absolute change check failed",
        START
        + """
info = train("my-challenger", [SVR()], {"kernel": "rbf"}, registered_model_name=name)
print(promote(client.get_model_version(name, info.registered_model_version)))
""",
    ),
    Attempt(
        "10.1",
        "❌",
        "found gate = another signature on version ",
        START
        + """
with mlflow.start_run(run_name="my-challenger"):
    options = {"signature": own, "pip_requirements": contract["pip_requirements"]}
    info = mlflow.sklearn.log_model(narrow, name="regressor", registered_model_name=name, **options)
print(promote(client.get_model_version(name, info.registered_model_version)))
""",
    ),
    Attempt(
        "10.1",
        "❌",
        "found model = StandardScaler, Ridge in the run 'my-challenger', expected model = StandardScaler, SVR",
        START
        + """
client.set_registered_model_alias(name, "champion", first.version)
info = train("my-challenger", [Ridge(alpha=300.0)], {"alpha": 300.0}, registered_model_name=name)
print(promote(client.get_model_version(name, info.registered_model_version)))
""",
    ),
    Attempt(
        "10.1",
        "❌",
        "expected with the sweep's winner",
        REGISTERED
        + ALIAS.format(alias="champion", number="first.version")
        + "print(promote(mine))\n",
    ),
    Attempt(
        "10.1",
        "❌",
        "found kernel = rbf in the run 'my-challenger', expected kernel = linear",
        START
        + """
settings = {"kernel": "rbf", "C": 10.0}
info = train("my-challenger", [SVR(**settings)], settings, registered_model_name=name)
other = client.get_model_version(name, info.registered_model_version)
print(promote(other))
""",
    ),
    Attempt(
        "10.1",
        "❌",
        "points from those of one trained as the run 'my-challenger' says",
        START
        + """
info = train("my-challenger", [SVR(kernel="linear", C=2.0)], linear, registered_model_name=name)
other = client.get_model_version(name, info.registered_model_version)
print(promote(other))
""",
    ),
    Attempt(
        "10.1",
        "⬜",
        "the alias 'champion' is on version ",
        # What has passed is out of the way for the answers that follow.
        """
for version in client.search_model_versions(f"name = '{name}'"):
    client.set_model_version_tag(name, version.version, "gate", "too easy")
"""
        + REGISTERED
        + TAG.format(version="mine", key="replaced", text="winner.version")
        + TAG.format(version="mine", key="gate", text='"passed"'),
    ),
    Attempt(
        "10.1",
        "⬜",
        "the alias 'champion' is on no version, and version ",
        'client.delete_registered_model_alias(name, "champion")',
    ),
    Attempt(
        "10.2",
        "⬜",
        "has no tag 'rolled_back'",
        "mine = client.get_model_version(name, mine.version)\n"
        + ALIAS.format(alias="champion", number='mine.tags["replaced"]'),
    ),
    Attempt(
        "10.2",
        "❌",
        "a reason of at least 4 words",
        TAG.format(version="mine", key="rolled_back", text='"too slow"'),
    ),
    Attempt(
        "10.2",
        "❌",
        "which version ",
        TAG.format(version="mine", key="rolled_back", text='"it takes too long to train"')
        + ALIAS.format(alias="champion", number="mine.version"),
    ),
    Attempt(
        "10.2",
        "❌",
        "found the alias 'champion' on version ",
        ALIAS.format(alias="champion", number="first.version"),
    ),
    Attempt(
        "10.2",
        "⬜",
        "nobody is champion; set the alias to version ",
        'client.delete_registered_model_alias(name, "champion")',
    ),
    Attempt(
        "10.3", "⬜", "has the alias 'documented'", DOCUMENTED + 'document(alias="documentation")'
    ),
    Attempt(
        "10.3",
        "⬜",
        "nobody is champion; set the alias, then document that version",
        'client.delete_registered_model_alias(name, "champion")\ndocument(champion=False)',
    ),
    Attempt(
        "10.3",
        "❌",
        "found the alias 'documented' on version ",
        ALIAS.format(alias="champion", number="first.version") + "document(champion=False)",
    ),
    Attempt("10.3", "⬜", "has no description", 'document(description="")'),
    Attempt(
        "10.3",
        "❌",
        "a sentence of at least 8 words",
        'document(description="ridge regression, alpha is 30")',
    ),
    Attempt("10.3", "❌", "found data_digest = 00000000, expected ", 'document(digest="00000000")'),
    Attempt(
        "10.3",
        "❌",
        "expected 52.63, what its model has on the held-out rows",
        "document(error=round(found.loc[0, 'metrics.validation_rmse'], 2))",
    ),
    Attempt(
        "10.3",
        "❌",
        "found held_out_rmse = about 53 on version ",
        'document(error="about 53")',
    ),
    Attempt(
        "10.3",
        "❌",
        "a signature that asks for bmi, bp, ltg",
        """
with mlflow.start_run(run_name="fewer-columns"):
    mlflow.log_input(dataset, context="training")
    options = {"signature": own, "pip_requirements": contract["pip_requirements"]}
    info = mlflow.sklearn.log_model(narrow, name="regressor", registered_model_name=name, **options)
client.set_model_version_tag(name, info.registered_model_version, "data_digest", logged.dataset.digest)
client.set_model_version_tag(name, info.registered_model_version, "held_out_rmse", "54.88")
client.update_model_version(name, info.registered_model_version, "Three columns are enough for a good regression, I think.")
for alias in ("documented", "champion"):
    client.set_registered_model_alias(name, alias, info.registered_model_version)
""",
    ),
    Attempt(
        "10.3",
        "❌",
        "points from those of one trained as the run 'alpha=1' says",
        """
info = train("alpha=1", [Ridge(alpha=300.0)], {"alpha": 1.0}, registered_model_name=name)
document(client.get_model_version(name, info.registered_model_version))
""",
    ),
]

RIGHT = [
    Accepted(
        "10.1",
        "registered afterwards, and found by its alias",
        START
        + """
info = train("my-challenger", [SVR(**linear)], linear)
mine = mlflow.register_model(info.model_uri, name, tags={"kind": "SVR"})
client.set_registered_model_alias(name, "challenger", mine.version)
assert promote(client.get_model_version_by_alias(name, "challenger")) == "passed"
""",
    ),
    Accepted(
        "10.1",
        "the alias moved by hand after a look at the gate",
        START
        + """
info = train("my-challenger", [SVR(**linear)], linear)
mine = mlflow.register_model(f"models:/{info.model_id}", name)
champion = client.get_model_version_by_alias(name, "champion")
verdict = gate(mine, champion)
assert verdict == "passed"
client.set_model_version_tag(name, mine.version, "gate", verdict)
client.set_model_version_tag(name, mine.version, "replaced", champion.version)
client.set_registered_model_alias(name, "champion", mine.version)
""",
    ),
    Accepted(
        "10.2",
        "found by its alias",
        """
client.set_registered_model_alias(name, "champion", mine.version)
bad = client.get_model_version_by_alias(name, "champion")
client.set_registered_model_alias(name, "champion", int(bad.tags["replaced"]))
client.set_model_version_tag(name, bad.version, "rolled_back", "Training it takes the whole night.")
""",
    ),
    Accepted(
        "10.2",
        "the lesson's winner, and the reason first",
        TAG.format(version="mine", key="rolled_back", text='"slow, slow, slow, and slow again"')
        + ALIAS.format(alias="champion", number="winner.version"),
    ),
    Accepted(
        "10.3",
        "the SVR, before it was rolled back",
        "document(mine, 'A support vector machine, its kernel is linear, C is 1.')\n"
        + ALIAS.format(alias="champion", number="winner.version"),
    ),
    Accepted(
        "10.3",
        "the first attempt, with one decimal more, while it was champion",
        """
error = evaluate(first).metrics["root_mean_squared_error"]
document(first, error=f"{error:.3f}")
client.set_registered_model_alias(name, "champion", winner.version)
""",
    ),
]
