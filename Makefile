# make demo   set up, then paint a photograph and make a texture: see demo/
# make test   set up, then run all tests
# make models set up, then train the network of tfstyle apply again: half an hour on two cores
# make docs   set up, then run every command in the documentation: its pictures are made again
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test models docs lint clean

demo: .venv/demo
	@mkdir -p demo
	$(BIN)/tfstyle stylize --content=examples/photos/chelsea.jpg --style=examples/styles/strokes.jpg --output=demo/stylized.png
	$(BIN)/tfstyle texture --style=examples/textures/pebbles.jpg --size=256 --output=demo/texture.png
	@echo "The pictures are demo/stylized.png and demo/texture.png."

test: .venv/test
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

models: .venv/demo
	$(BIN)/tfstyle train --style=examples/styles/strokes.jpg --style_size=384 --photos=examples/photos,examples/textures,examples/styles --size=192 --batch=2 --seed=3 --minutes=28 --output=tfstyle/networks/data/models/strokes.npz

docs: .venv/test
	@rm -rf demo
	@mkdir demo
	$(BIN)/python -m tools.run_docs

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv demo build dist *.egg-info

.venv/demo: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "Installing TensorFlow and tfstyle into .venv ..."
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/test: .venv/demo
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@
