"""Answers to the exercises of lab 3."""


def own_loop(optimizer=optim.Adam, lr=0.1, first=1, epochs=150, seed=0, before=False):
    torch.manual_seed(seed)
    mine = SimpleModel().to(device)
    steps = optimizer(mine.parameters(), lr=lr)
    with mlflow.start_run(run_name="faster"):
        asked = {"learning_rate": 0.1, "epochs": 150, "seed": 0, "optimizer": "torch.optim.Adam"}
        mlflow.log_params(asked | {"momentum": 0})
        for epoch in range(first, first + epochs):
            losses = [validation_loss(mine), train_epoch(mine, steps), validation_loss(mine)]
            named = {"train_loss": losses[1], "val_loss": losses[0 if before else 2]}
            mlflow.log_metrics(named, step=epoch)


# %% 3.1 ❌ at the steps 0 to 99 in the run 'faster', expected the steps 1 to 150. Train for 150 epochs.
own_loop(first=0, epochs=100)
# %% 3.1 ❌ expected one that falls much faster
own_loop(lr=0.01)
# %% 3.1 ❌ Make a fresh SimpleModel after torch.manual_seed(0)
# train_run(faster_model → train_run(simple_model
# %% 3.1 ❌ Make a fresh SimpleModel after torch.manual_seed(0)
own_loop(seed=1)
# %% 3.1 ❌ at epoch 1, expected 0.974. Train with Adam
own_loop(optim.SGD)
# %% 3.1 ❌ measure the validation loss after each step
own_loop(before=True)
# %% 3.1 ✅ a loop of one's own, with a parameter more
own_loop()
# %% 3.1 ✅ epochs counted from 0
own_loop(first=0)

# %% 3.2 ❌ found val_rmse at the steps 0
# {"val_loss": loss, "val_rmse": points}, step=epoch) → {"val_loss": loss}, step=epoch)
# train_epoch( → mlflow.log_metric("val_rmse", 55.0); train_epoch(
# %% 3.2 ❌ Take the square root of val_loss
# loss**0.5 → loss
# %% 3.2 ❌ those of a model that learns
# train_epoch(doctors_model, optimizer) → pass
# %% 3.2 ❌ train it with Adam and the learning rate 0.01
# lr=0.01 → lr=0.1
# %% 3.2 ❌ Make a fresh SimpleModel after torch.manual_seed(0)
# manual_seed(0) → manual_seed(1)
# %% 3.2 ❌ expected the steps 1 to 50. Train for 50 epochs
# 51 → 151
# %% 3.2 ✅ epochs counted from 0
# range(1, 51) → range(50)
# %% 3.2 ✅ with training losses, which nobody asked for
# train_epoch( → mlflow.log_metric("train_loss", 0.5, step=epoch); train_epoch(

# %% 3.3 ❌ found patience = 150 in the run 'stopped-early', expected one between 10 and 50
# patience=20 → patience=150
# %% 3.3 ❌ expected 68 epochs. With patience = 20, stop when so many epochs brought no new low
# stopped.load_state_dict → mlflow.log_metric("val_loss", 0.6, step=69); stopped.load_state_dict
# %% 3.3 ❌ Put the weights of the best epoch back
# stopped.load_state_dict(lowest["weights"]) → pass
# %% 3.3 ❌ Compute it from the predictions of the model that you log, in points, as test_rmse does
# test_rmse(predictions)) → test_rmse(predictions) / scaler.scale_[-1])
# %% 3.3 ❌ after 1 epochs, expected 0.702, as 'mlp' had. Train a fresh network like 'mlp', with seed 0
# manual_seed(0) → manual_seed(1)
# %% 3.3 ❌ as 'mlp' had. Train a fresh network like 'mlp', with seed 0 and learning rate 0.01
# learning_rate=0.01 → learning_rate=0.005
# %% 3.3 ❌ as 'mlp' had. Train a fresh network like 'mlp'
# 32 → 64
# %% 3.3 ❌ Pass an input_example of at least two rows
# **options → **options | {"input_example": X_val[:1].cpu().numpy()}
# mlflow.pyfunc.load_model(info.model_uri).predict(rows) → stopped(X_test.cpu()).detach().numpy()
# %% 3.3 ✅ less patience
# patience=20 → patience=12
# %% 3.3 ✅ more patience, and an example of five rows
# patience=20 → patience=40
# **options → **options | {"input_example": X_val[:5].cpu().numpy()}
