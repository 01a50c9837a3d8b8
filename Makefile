# make demo   set up, then paint a photograph and make a texture: see demo/
# make test   set up, then run the tests, but for the slow ones
# make test-slow  run the slow ones
# make models   set up, then train the networks of tfstyle apply again: an hour on two cores; their
#   photographs are two packages of Debian's; elsewhere: make models PICTURES=folder
# make site   set up, then build the documentation as a site: see site/index.html
# make wheel  build the package, install it into an environment of its own, and run tests against it
# make coverage   run all tests, and tell how much of the library they run
# make test-web  run the tests of tfstyle web, those in a browser too: apt-get install chromium
# make docs   set up, then run every command in the documentation: its pictures are made again
PYTHON ?= python3
BIN := .venv/bin
# A file's tests share what they make; tests/conftest.py says which files come first.
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder
PICTURES ?= build/pictures

.PHONY: demo test test-slow test-web coverage models docs site wheel lint clean

demo: .venv/demo
	@mkdir -p demo
	$(BIN)/tfstyle examples/photos/chelsea.jpg examples/styles/strokes.jpg -o demo/stylized.png
	$(BIN)/tfstyle texture examples/textures/pebbles.jpg --size=256 -o demo/texture.png
	@echo "The pictures are demo/stylized.png and demo/texture.png."

test: .venv/test
	$(PYTEST) -m "not slow"

test-slow: .venv/test
	$(PYTEST) -m slow

coverage: .venv/test
	$(PYTEST) --cov --cov-report=term

# Tests of what users call, in a folder where the library is not.
wheel:
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel/venv
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir=build/wheel .
	build/wheel/venv/bin/python -m pip install --quiet build/wheel/*.whl pytest scipy tifffile imagecodecs
	cp -r tests examples pyproject.toml build/wheel
	cd build/wheel && venv/bin/python -m pytest -k 'not source_tree' tests/test_api.py tests/test_cli.py tests/test_doctests.py tests/test_keras.py tests/test_presets.py
	cd build/wheel && venv/bin/tfstyle stylize --content=examples/photos/chelsea.jpg --style=examples/styles/strokes.jpg --size=64 --evaluations=4 --output=out.png

site: .venv/site
	$(BIN)/python -m sphinx -W --keep-going --quiet -c docs . site
	@echo "The site is site/index.html."

models: .venv/demo $(PICTURES)
	for style in strokes woodcut; do \
	  $(BIN)/tfstyle train --style=examples/styles/$$style.jpg --style_size=384 \
	    --photos=$(PICTURES),examples/photos,examples/textures,examples/styles --size=192 --batch=2 \
	    --adam_learning_rate=0.004 --seed=3 --minutes=28 \
	    --output=tfstyle/networks/data/models/$$style.npz || exit; \
	done
	$(BIN)/tfstyle train --kind=texture --style=examples/textures/gravel.jpg --size=192 --seed=3 \
	  --minutes=10 --output=tfstyle/networks/data/models/gravel.npz

build/pictures: | .venv/demo
	$(BIN)/python -m tools.model_pictures --output=$@

test-web: .venv/test
	$(BIN)/python -m pip install --quiet --editable ".[browser]"
	$(BIN)/python -m pytest tests/test_web.py tests/test_web_browser.py

docs: .venv/test
	@rm -rf demo
	@mkdir demo
	$(BIN)/python -m tools.run_docs

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv demo site build dist *.egg-info

.venv/demo: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "Installing TensorFlow and tfstyle into .venv ..."
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/test: .venv/demo
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

.venv/site: .venv/demo
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@
