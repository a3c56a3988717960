"""Lets `pytest notebooks` give each notebook a store of its own, as `make test` does."""

pytest_plugins = ["running"]
