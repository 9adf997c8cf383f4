# `make` lists what there is. Everything runs in .venv, which is made when it is first needed.
SHELL = /bin/sh
PY = .venv/bin/python
export JUPYTER_PREFER_ENV_PATH = 1
export JUPYTER_PLATFORM_DIRS = 1
export PYTHONNOUSERSITE = 1
export PYTHONUTF8 = 1
unexport PYTHONPATH PYTHONHOME
# What a shell happens to export under these names is not meant: only what is said on the command line.
$(foreach name,ONLY PARTS PORT WORDS HOST AGAIN COPIES ARGS SEED N,$(eval $(name) =))
# Recipes read texts as $$ONLY: the shell then takes a quote in them for a character.
export ONLY PARTS WORDS HOST PORT SEED N

help:  ## list these commands
	@echo "A New Chapter: Japan and South Korea, in data"; echo
	@awk -F ':.*##  *' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

book: environment  ## build the book; a warning is an error
	@$(PY) book/tools/build.py

live: live-environment  ## the book, with notebooks that run in the reader's browser (PARTS=folder to build offline)
	@$(PY) book/live/lite.py "$$PARTS" && BOOK_LIVE=1 $(PY) book/tools/build.py

serve: environment  ## build, then show the book on this machine (PORT=8000); with live notebooks if 'make live' built it last
	@$(PY) book/tools/serve.py --free "$$PORT"
	@$(MAKE) --no-print-directory `test -d _build/html/lite && echo live || echo book`
	@$(PY) book/tools/serve.py "$$PORT"

colab: environment  ## copies of the chapters that Colab can open, _build/colab (publishing puts them on a branch)
	@$(PY) book/live/colab.py

notebooks: environment  ## re-run the chapters, store their outputs and figures/ (ONLY=chapters/02_twelve_meetings.ipynb)
	@$(PY) book/tools/run_notebooks.py $$ONLY && $(PY) book/tools/dictionary.py

lab: environment  ## open the chapters in JupyterLab, charts live
	@$(PY) -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/chapters --LabApp.news_url=None `test "$$(id -u)" = 0 && echo --allow-root`

data: environment  ## after an edit in data/: rebuild what is computed, check all, renew hashes
	@$(PY) book/tools/package.py && $(PY) book/tools/dictionary.py

stale: environment  ## which tables are due for a check
	@$(PY) book/tools/stale.py

ledger: environment  ## every number of the prose: phrase, value, rows, source (WORDS="who_pays won" keeps some)
	@set -f; $(PY) book/tools/ledger.py $$WORDS

links: environment  ## ask every outer address whether it still answers (HOST=kbs; AGAIN=1; COPIES=1 looks up stored copies)
	@$(PY) book/tools/links.py --host="$$HOST" $(if $(AGAIN),--again) $(if $(COPIES),--copies)

cards: environment  ## draw the pictures for link previews, figures/card-*.png
	@$(PY) book/tools/cards.py

pdf: book  ## the whole book as one PDF, _build/a-new-chapter.pdf
	@$(PY) book/tools/pdf.py

bench: book  ## what every page weighs, and how long builds take with more chapters
	@$(PY) book/tools/bench.py

test: tests-environment book  ## all tests but those of the live notebooks; the built book in a browser among them; stops after five failures (ARGS=--maxfail=0 goes on)
	@CHROMIUM=`sh tests/browser.sh` && export CHROMIUM && $(PYTEST) -n auto --maxfail=5 tests $(ARGS)

test-live: tests-environment live  ## every chapter run in a browser, in JupyterLab too (some minutes)
	@CHROMIUM=`sh tests/browser.sh` && export CHROMIUM && $(PYTEST) -s -o timeout=1200 tests/live.py tests/live_explorer.py $(ARGS)

check: tests-environment  ## the fast tests alone (no browser, no notebook runs); also a hook, see .githooks
	@$(PYTEST) -n auto --maxschedchunk 8 -m "not slow" tests $(ARGS)

mutate: tests-environment  ## break copies of the project one thing at a time; does a test notice? (SEED=7 N=80 ONLY=prose)
	@CHROMIUM=`sh tests/browser.sh` && export CHROMIUM && $(PY) tests/mutate.py $(if $(SEED),--seed="$$SEED") $(if $(N),--number="$$N") --only="$$ONLY"

reproduce: environment  ## prove that the same sources give the same outputs, figures and book (a few minutes)
	@$(PY) book/tools/reproduce.py

# To older pips (23.2, say) a lock with hashes must name a package plain and with its extras, each as it is asked for.
lock:  ## resolve each requirements.in, and book/live/wheels.in, into its lock
	@command -v uv >/dev/null || { echo "make lock needs uv: 'python3 -m pip install uv' brings it."; exit 1; }
	@for folder in . tests book/live .github; do echo "Locking $$folder/requirements.txt ..."; (cd $$folder && $(LOCK) --no-strip-extras --python-version 3.11 --output-file requirements.txt requirements.in && awk '$(ALSO_PLAIN)' requirements.txt >requirements.new && mv requirements.new requirements.txt) || exit 1; done
	@echo "Locking book/live/wheels.txt ..."; cd book/live && $(LOCK) --python-version 3.14 --no-deps --output-file wheels.txt wheels.in

clean:  ## remove what was built and the environment
	rm -rf _build .venv
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

PYTEST = $(PY) -m pytest -c tests/pytest.ini --rootdir=.
LOCK = uv pip compile --quiet --universal --generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
ALSO_PLAIN = /^[a-z0-9.-]+\[/ {on = 1} on && /^    \#/ {printf "%s", plain; on = 0; plain = ""} on {line = $$0; sub(/\[.*\]/, "", line); plain = plain line "\n"} {print}

environment:
	@sh book/tools/setup.sh requirements.txt

tests-environment: environment
	@sh book/tools/setup.sh tests/requirements.txt

live-environment: environment
	@INTO=live sh book/tools/setup.sh book/live/requirements.txt

.PHONY: help book live serve colab notebooks lab data stale ledger links mutate cards pdf bench test test-live check reproduce lock clean environment tests-environment live-environment
