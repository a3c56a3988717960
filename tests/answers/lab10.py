"""Answers to the exercises of lab 10."""


def crown(info):
    client.set_registered_model_alias(name, "champion", info.registered_model_version)
    return info


def fewer_columns(run_name):
    return train(run_name, [SVR(**linear)], linear, three, registered_model_name=name)


# %% 10.1 ❌ found gate = not better
from sklearn.svm import SVR

linear = {"kernel": "linear", "C": 1.0}
client.set_registered_model_alias(name, "champion", winner.version)
for recorded in ({"C": 1.0}, linear):  # the second meets a champion that lacks its kernel
    info = train("my-challenger", [SVR(**linear)], recorded, registered_model_name=name)
    promote(client.get_model_version(name, info.registered_model_version))
# %% 10.1 ⬜ is from the run 'my-challenger'; register its model with mlflow.register_model
# , registered_model_name=name →
# %% 10.1 ⬜ is from the run 'my-challenger', but 'diabetes' has one; register
# registered_model_name=name → registered_model_name="diabetes"
# %% 10.1 ⬜ has no tag 'gate'; make the sweep's winner champion, and call promote with this version
# assert promote(mine) == "passed" →
# %% 10.1 ❌ found gate = not better
# {"kernel": "linear", "C": 1.0} → {"kernel": "rbf"}
# %% 10.1 ⬜ is from the run 'my-challenger'; register its model with mlflow.register_model
# , registered_model_name=name →
# %% 10.1 ❌ found gate = another signature on version
# train("my-challenger", [SVR(**linear)], linear, registered_model_name=name) → fewer_columns("my-challenger")
# %% 10.1 ❌ found model = StandardScaler, Ridge in the run 'my-challenger', expected model = StandardScaler, SVR
# winner.version → first.version
# [SVR(**linear)], linear → [Ridge(alpha=300.0)], {"alpha": 300.0}
# %% 10.1 ❌ expected with the sweep's winner
# winner.version → first.version
# %% 10.1 ❌ points from those of one trained as the run 'my-challenger' says
# SVR(**linear) → SVR(kernel="linear", C=2.0)
# %% 10.1 ⬜ the alias 'champion' is on version
# assert promote(mine) == "passed" → client.set_model_version_tag(name, mine.version, "gate", "passed")
# mine = → client.set_model_version_tag(name, svr_info.registered_model_version, "replaced", winner.version); mine =
# %% 10.1 ⬜ the alias 'champion' is on no version, and version
client.delete_registered_model_alias(name, "champion")
# %% 10.1 ✅ registered afterwards, and found by its alias
# , registered_model_name=name →
# mine = client.get_model_version(name, svr_info.registered_model_version) → client.set_registered_model_alias(name, "challenger", mlflow.register_model(svr_info.model_uri, name, tags={"kind": "SVR"}).version)
# promote(mine) → promote(client.get_model_version_by_alias(name, "challenger"))
# %% 10.1 ✅ the alias moved by hand after a look at the gate
client.set_registered_model_alias(name, "champion", winner.version)
info = train("my-challenger", [SVR(**linear)], linear)
mine = mlflow.register_model(f"models:/{info.model_id}", name)
verdict = gate(mine, client.get_model_version_by_alias(name, "champion"))
assert verdict == "passed"
client.set_model_version_tag(name, mine.version, "gate", verdict)
client.set_model_version_tag(name, mine.version, "replaced", winner.version)
client.set_registered_model_alias(name, "champion", mine.version)

# %% 10.2 ❌ which version
# mine.tags["replaced"] → mine.version
# %% 10.2 ❌ found the alias 'champion' on version
# mine.tags["replaced"] → first.version
# %% 10.2 ⬜ nobody is champion; set the alias to version
client.delete_registered_model_alias(name, "champion")
# %% 10.2 ✅ found by its alias
client.set_registered_model_alias(name, "champion", mine.version)
bad = client.get_model_version_by_alias(name, "champion")
client.set_registered_model_alias(name, "champion", int(bad.tags["replaced"]))
client.set_model_version_tag(name, bad.version, "rolled_back", "Training takes all night.")
# %% 10.2 ✅ the lesson's winner, for another reason
# mine.tags["replaced"] → winner.version
# It takes too long to train. → slow, slow, slow, and slow again

# %% 10.3 ❌ found the alias 'documented' on version
# client.get_model_version_by_alias(name, "champion") → client.get_model_version(name, fewer_columns("fewer").registered_model_version)
# held_out_rmse(champion) → 54.88
# %% 10.3 ⬜ nobody is champion; set the alias, then document that version
client.set_registered_model_alias(name, "documented", winner.version)
client.delete_registered_model_alias(name, "champion")
# %% 10.3 ⬜ has no description
# champion = → client.set_registered_model_alias(name, "champion", winner.version); champion =
# Ridge regression on ten measurements; alpha was chosen on the validation rows. →
# %% 10.3 ❌ a sentence of at least 8 words
# Ridge regression on ten measurements; alpha was chosen on the validation rows. → ridge regression, alpha is 30
# %% 10.3 ❌ found held_out_rmse = about 53 on version
# {its_error:.2f} → about {its_error:.0f}
# %% 10.3 ❌ a signature that asks for bmi, bp, ltg
# champion = → crown(fewer_columns("fewer")); champion =
# held_out_rmse(champion) → 54.88
# %% 10.3 ❌ points from those of one trained as the run 'alpha=1' says
# champion = → crown(train("alpha=1", [Ridge(alpha=300.0)], {"alpha": 1.0}, registered_model_name=name)); champion =
# %% 10.3 ❌ found the alias 'documented' on version
# client.get_model_version_by_alias(name, "champion") → mine
# %% 10.3 ✅ the SVR, champion once more
# champion = → client.set_registered_model_alias(name, "champion", mine.version); champion =
# Ridge regression on ten measurements; alpha was chosen on the validation rows. → A support vector machine, its kernel is linear, C is 1.
# %% 10.3 ✅ the first attempt, with one decimal more, while it is champion
# champion = → client.set_registered_model_alias(name, "champion", first.version); champion =
# .2f → .3f
# %% 10.3 ✅ the winner of the sweep, made champion again
# champion = → client.set_registered_model_alias(name, "champion", winner.version); champion =
