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
# The notebooks ask for the kernel "python3". On Cloudera a project has a home of its own, so that name can be taken there;
# elsewhere it belongs to all notebooks of the user.
KERNEL := $(if $(CDSW_PROJECT_ID),python3,mlflow-labs)
# For Python 3.15, scikit-learn 1.8 has no package yet: installing would try to compile it.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
# Where a class's data lie.
KEPT = $(if $(FOLDER),--folder '$(FOLDER)') $(if $(ARTIFACTS),--artifacts '$(ARTIFACTS)')
# A .venv may have been made by other means, or only half.
USABLE = $(PY) -c "$(SUITS)" || { echo ".venv holds a Python that is too old or too new: delete that folder and try again" >&2; exit 1; }; \
	$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --upgrade >/dev/null

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help lab test ui html progress reset adopt kernel server merge forget take-home new-venv

# The second list of 'make help-all' has what teachers and maintainers need.
LIST = awk -F ' *\#\# ' '/^[a-z-]+:.*\#\# / { sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2 }'

help:
	@echo "Experiment Tracking with MLflow. Targets:"
	@grep -v '## teachers:' Makefile | $(LIST)
	@echo "ARGS='...' is passed on to the program that a target starts. 'make help-all' lists more targets."

# Kernels and terminals find the programs of .venv, like mlflow.
lab: .venv/labs.done ## open the labs in JupyterLab (PORT=8888; on a server: ARGS=--no-browser)
	@PATH="$$PWD/.venv/bin:$$PATH" exec $(PY) -m jupyterlab --ip=127.0.0.1 --port=$(or $(PORT),8888) $(ROOT_FLAG) --Application.log_level=ERROR \
		--ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/01_bad_example.ipynb \
		--LabApp.workspaces_dir=.venv/share/jupyter/lab/workspaces --LabApp.extension_manager=readonly \
		--LanguageServerManager.autodetect=False $(ARGS)

test: .venv/labs.done .venv/tests.done ## check all labs and their exercises (LAB=03: one of them)
	@$(PY) -m pytest $(if $(LAB),--lab=$(LAB)) $(ARGS)

ui: .venv/labs.done ## show the labs' runs in the MLflow UI (PORT=5000)
	@exec $(PY) -m lab ui $(if $(PORT),--port $(PORT)) $(ARGS)

html: .venv/labs.done .venv/html.done ## write the labs as pages for reading, with their outputs, to build/html
	@exec $(PY) -m lab html $(ARGS)

progress: .venv/labs.done ## which exercises are done (CLASS=1: a row a student; WATCH=1: as a page; GRADES=FILE: as CSV; VERIFY=1: judged anew)
	@exec $(PY) -m $(if $(CLASS)$(WATCH)$(GRADES)$(ROSTER)$(LONG),lab.classroom,lab) progress $(if $(LABS),--labs '$(LABS)') \
		$(if $(WATCH),--watch $(if $(HOST),--host '$(HOST)' $(if $(PORT),--port '$(PORT)'))) $(if $(VERIFY),--verify) $(if $(ROSTER),--roster '$(ROSTER)') \
		$(if $(GRADES),--csv '$(GRADES)') $(if $(LONG),--long) $(ARGS)

reset: .venv/labs.done ## start with an empty store; the old one is moved aside (LAB=02: that lab alone; STUDENT=ann: for the teacher)
	@exec $(PY) -m $(if $(STUDENT),lab.classroom reset --student '$(STUDENT)',lab reset) $(if $(LAB),--lab '$(LAB)') $(ARGS)

adopt: .venv/labs.done ## let the labs mend a store that others made, or older labs; a copy is kept
	@exec $(PY) -m lab adopt

kernel: .venv/labs.done ## make the Jupyter kernel "MLflow labs" of these packages, for a JupyterLab that is already there
	@$(PY) -m ipykernel install --user --name $(KERNEL) --display-name "MLflow labs" --env PYTHONPATH "" >/dev/null
	@if [ $(KERNEL) = python3 ]; then \
		echo "The notebooks now open with the kernel 'MLflow labs'."; \
		echo "To go back to the kernel of the session: rm -r ~/.local/share/jupyter/kernels/python3"; \
	else echo "JupyterLab now has the kernel 'MLflow labs': choose it in its menu Kernel."; fi

server: .venv/labs.done $(if $(LOGIN)$(DATABASE),.venv/teaching.done) ## teachers: a tracking server for a class, with a room for each student (HOST= PORT= LOGIN=1 ROSTER=)
	@exec $(PY) -m lab.classroom server $(KEPT) $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)') \
		$(if $(LOGIN),--login) $(if $(ROSTER),--roster '$(ROSTER)') $(ARGS)

merge: .venv/labs.done ## teachers: put what a student did under a wrong name into the right room (STUDENT=anm INTO=ann)
forget: .venv/labs.done ## teachers: delete for good what a student left on the server (STUDENT=ann)
take-home: .venv/labs.done ## teachers: copy students' runs into folders for them (STUDENT=ann: one; TO=build/home)
merge forget take-home:
	@exec $(PY) -m lab.classroom $@ $(KEPT) $(if $(STUDENT),--student '$(STUDENT)') $(if $(INTO),--into '$(INTO)') \
		$(if $(TO),--to '$(TO)') $(ARGS)

# All programs of .venv find the package `lab`, by a path that is relative: the project can be moved.
.venv/labs.done: .venv/packages.done
	@$(PY) -c "import os, sysconfig; site = sysconfig.get_path('purelib'); \
		print(os.path.relpath('notebooks', site), file=open(os.path.join(site, 'lab.pth'), 'w'))"
	@touch $@

.venv/packages.done: requirements.txt notebooks/lab/cluster/requirements.txt notebooks/lab/constraints.txt
	@$(USABLE)
	@echo "Installing the labs' packages into .venv: several minutes, but only this once."
	@$(PIP) install -r requirements.txt -r notebooks/lab/cluster/requirements.txt -c notebooks/lab/constraints.txt
	@$(PY) -m jupyterlab.labextensions disable $(NEWS) >/dev/null 2>&1 || echo "JupyterLab will ask about its news."
	@touch $@

.venv/teaching.done: notebooks/lab/classroom/requirements.txt notebooks/lab/constraints.txt
	@$(PIP) install -r notebooks/lab/classroom/requirements.txt -c notebooks/lab/constraints.txt
	@touch $@

.venv/html.done: notebooks/lab/pages/requirements.txt notebooks/lab/constraints.txt
	@$(PIP) install -r notebooks/lab/pages/requirements.txt -c notebooks/lab/constraints.txt
	@touch $@

.venv/tests.done: tests/requirements.txt notebooks/lab/constraints.txt
	@$(USABLE)
	@echo "Installing what the tests need into .venv."
	@$(PIP) install -r tests/requirements.txt -c notebooks/lab/constraints.txt
	@touch $@

# There is no .venv yet, or the Python that it was made with is gone.
ifneq ($(shell $(PY) -c "print('runs')" 2>/dev/null),runs)
.venv/packages.done .venv/html.done .venv/tests.done .venv/all.done: new-venv
endif

new-venv:
	@"$(PYTHON)" -c "" 2>/dev/null || { \
		echo "'$(PYTHON)' does not run here: install Python 3.11 to 3.14, or name one: make lab PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c "$(SUITS)" || { \
		echo "The labs need Python 3.11 to 3.14 and '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1):" \
			"install one of these, or name it: make lab PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c "import ensurepip, venv" 2>/dev/null || { \
		echo "'$(PYTHON)' cannot create environments: install its venv package" \
			"(Debian and Ubuntu: sudo apt install python3-venv)" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear .venv

include tests/maintain.mk
