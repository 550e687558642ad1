# Needs make, git and Python 3.11+; everything else is installed into .venv/ by the first target run.
# Programs are run as modules (python -m), which works even after the directory was moved.
# Another Python: make PYTHON=/path/to/python3.12 ...      Options for pytest: make test PYTEST="-k sms"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

VENV     := .venv
BIN      := $(VENV)/bin
PO       := $(wildcard translations/*/LC_MESSAGES/*.po)
MO       := $(PO:.po=.mo)
PYTHON_M := $(BIN)/python -m
PIP      := $(PYTHON_M) pip install -qq --disable-pip-version-check --no-input
PYTHON   ?=
# Two processes of pytest; groups of tests in the order of their files, for the first are the longest.
IN_TWO   := -n 2 --dist loadgroup --no-loadscope-reorder
PYTEST   ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# -- Installing ------------------------------------------------------------------------------------
# Each stamp is newer than the requirements that it stands for. A .venv whose Python is gone (the
# system's was upgraded, say) is made anew.

ifneq ($(wildcard $(VENV)),)
ifneq ($(shell $(BIN)/python -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
$(shell rm -rf $(VENV))
endif
endif

$(BIN)/python:
	@python=$$(scripts/find-python.sh "$(PYTHON)") || exit 1; \
	echo "Making $(VENV) with $$("$$python" --version) ..."; \
	"$$python" -m venv $(VENV)

$(VENV)/.installed: requirements.txt constraints.txt | $(BIN)/python
	@echo "Installing what the product runs on ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed | $(BIN)/python
	@echo "Installing the tools for development and tests ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

translations/%.mo: translations/%.po | $(VENV)/.installed
	@$(PYTHON_M) babel.messages.frontend --quiet compile --input-file=$< --output-file=$@ --locale=$(word 1,$(subst /, ,$*))

.PHONY: install
install: $(VENV)/.installed-dev $(MO) ## Install everything into .venv/

# -- Trying it out ---------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.installed $(MO) ## Run the whole system here, with invented people (PORT=8000 PHONES_PORT=8001)
	@exec $(PYTHON_M) devtools.demo

.PHONY: demo-reset
demo-reset: $(VENV)/.installed ## Remove the data of the demo
	@exec $(PYTHON_M) devtools.demo reset

# -- Checking --------------------------------------------------------------------------------------

# Every check runs, whatever the others say; pytest's closing line is the last thing printed.
.PHONY: test
test: $(VENV)/.installed-dev $(MO) ## Check everything: style, types and all tests
	@failed=0; \
	$(MAKE) --no-print-directory lint || { failed=1; echo "lint FAILED (see above); the tests run all the same"; }; \
	BROWSER=$$(scripts/find-browser.sh install) && export BROWSER || failed=1; \
	$(PYTHON_M) pytest $(IN_TWO) $(PYTEST) || failed=1; \
	exit $$failed

.PHONY: check
check: $(VENV)/.installed-dev $(MO) ## Check while working: style, types, rules, services on SQLite (some four minutes)
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	$(PYTHON_M) pytest tests/unit tests/integration -k "not postgresql" $(IN_TWO) $(PYTEST) || failed=1; \
	exit $$failed

.PHONY: test-unit
test-unit: $(VENV)/.installed-dev $(MO) ## Run the unit tests only
	@$(PYTHON_M) pytest tests/unit $(PYTEST)

.PHONY: test-browser
test-browser: $(VENV)/.installed-dev $(MO) ## Walk each face's stories in a real browser, and check every page for access
	@BROWSER=$$(scripts/find-browser.sh install) && export BROWSER && \
	$(PYTHON_M) pytest tests/browser $(IN_TWO) $(PYTEST)

.PHONY: fuzz
fuzz: $(VENV)/.installed-dev $(MO) ## Ask the web server odd things by the thousand (CASES=20000)
	@CASES=$(or $(CASES),20000) $(PYTHON_M) pytest tests/fuzz $(PYTEST)

.PHONY: lint
lint: $(VENV)/.installed-dev ## Check style and types
	@failed=0; \
	$(PYTHON_M) ruff check --quiet || failed=1; \
	$(PYTHON_M) ruff format --check --quiet || { failed=1; $(PYTHON_M) ruff format --check; }; \
	$(PYTHON_M) mypy || failed=1; \
	exit $$failed

.PHONY: format
format: $(VENV)/.installed-dev ## Put the code into the project's style
	@$(PYTHON_M) ruff check --fix --quiet; status=$$?; $(PYTHON_M) ruff format; exit $$status

# -- Measuring -------------------------------------------------------------------------------------

.PHONY: simulate
simulate: $(VENV)/.installed-dev ## Compare the rules of dispatching with others in a simulation (QUICK=1: a glance)
	@exec $(PYTHON_M) devtools.benchmark.simulate $(if $(QUICK),--quick) $(if $(PUBLISH),--publish)

.PHONY: tune
tune: $(VENV)/.installed-dev ## Look for better figures of the rules, on other seeds (TRIALS=60)
	@exec $(PYTHON_M) devtools.benchmark.tune --trials $(or $(TRIALS),60) $(if $(PUBLISH),--publish)

# QUICK=1: a glance. ONLY=saves|latency|accept|throughput|board|logins|growth, DATABASE=sqlite|postgresql: a part.
.PHONY: bench
bench: $(VENV)/.installed-dev $(MO) ## Measure the cost of deciding, and the live system beside yardsticks (QUICK=1)
	$(if $(ONLY)$(DATABASE)$(QUICK),,@$(PYTHON_M) devtools.benchmark.scale)
	@exec $(PYTHON_M) devtools.benchmark.live $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) \
		$(if $(DATABASE),--database $(DATABASE))

.PHONY: chaos
chaos: $(VENV)/.installed-dev $(MO) ## Break the running system on purpose and audit it (SEED=1 QUICK=1 DATABASE=sqlite)
	@exec $(PYTHON_M) devtools.chaos $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED)) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(STORM),--storm $(STORM))

# -- Texts and pictures ----------------------------------------------------------------------------

.PHONY: translations
translations: $(VENV)/.installed ## Collect the texts of the pages, update the translations, compile them
	@mkdir -p translations
	@$(PYTHON_M) babel.messages.frontend --quiet extract -F babel.cfg -k _l --no-location --sort-output \
		--project=dispatcher -o translations/messages.pot .
	$(if $(PO),@$(PYTHON_M) babel.messages.frontend --quiet update -i translations/messages.pot -d translations --no-fuzzy-matching)
	$(if $(PO),@$(PYTHON_M) babel.messages.frontend --quiet compile -d translations)

.PHONY: screenshots
screenshots: $(VENV)/.installed-dev $(MO) ## Take pictures of every page in every state (ONLY="board": some)
	@BROWSER=$$(scripts/find-browser.sh install) && export BROWSER && \
	exec $(PYTHON_M) devtools.screenshots $(if $(ONLY),--only "$(ONLY)")

# -- Cleaning --------------------------------------------------------------------------------------

.PHONY: clean
clean: ## Remove what was installed and built; data in instance/ stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis $(MO)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
