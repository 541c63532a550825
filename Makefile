# Thin over `python -m …` commands, which work alone (on Windows, too): see README.md.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
VENV = .venv/Scripts/python
else
VENV = .venv/bin/python
endif

# Handed over through the environment, so that quotes and dollars in a goal arrive as they were typed.
export DOCS GOAL

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check pythons

help: ## Show what there is
	@echo "make demo [DOCS=path] [GOAL='...']  set up, start the local cloud, read documents, answer a goal"
	@echo "make up      set up, start the local cloud and leave it running"
	@echo "make test    set up, run all tests: the app's and azure-on-loopback's"
	@echo "make check   set up, run format, lint, types, language and import rules"
	@echo "make pythons  set up, install and run the demo on every other Python that is there"
	@echo "make setup   set up .venv only"

setup:
	@$(PYTHON) scripts/setup_env.py

demo: setup
	@$(VENV) -m murmuration.cli demo

up: setup
	@$(VENV) -m murmuration.cli up

test: setup
	@$(VENV) -m scripts.test

check: setup
	@$(VENV) -m scripts.check

pythons: setup
	@$(VENV) -m scripts.check_pythons
