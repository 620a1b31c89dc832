# Two commands do all on a fresh machine (python >= 3.11, make, git): `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SERVE ?= 1
DAYS ?= 120
PORT ?= 8501
READY := .venv/.ready

.PHONY: setup demo test test-all check format lock docs bench clean peers

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit("Radpulse needs Python >= 3.11") if sys.version_info < (3, 11) else None'
	@echo "installing locked packages into .venv ..."
	@awk '/^uv==/ {on=1} on {print; if ($$0 !~ /\\$$/) exit}' requirements.lock > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: setup
	@$(BIN)/radpulse demo --days $(DAYS) --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve,--serve)

# real peers for the tests: a browser, a PACS, DICOM tools, an SFTP server. Only root may install them; elsewhere the
# tests that need one skip with its name
PEERS := chromium:chromium dcmtk:dcmqrscp orthanc:Orthanc orthanc-dicomweb:/usr/share/orthanc/plugins/libOrthancDicomWeb.so \
  openssh-server:/usr/sbin/sshd rsyslog:/usr/sbin/rsyslogd samba:/usr/sbin/smbd
peers:
	@missing=; for peer in $(PEERS); do program=$${peer#*:}; \
	  command -v $$program >/dev/null 2>&1 || test -e $$program || test -e /usr/sbin/$$program || missing="$$missing $${peer%%:*}"; done; \
	test -z "$$missing" || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
	  && echo "installing for the tests:$$missing ..." && apt-get update -qq >/dev/null 2>&1 \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null 2>&1; } \
	  || echo "not installed:$$missing; the tests that need them will be skipped"

test: setup peers check
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadgroup

test-all: setup peers check
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: setup
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

docs: setup
	@$(BIN)/radpulse kpis --write README.md

# hashes, but no download addresses
lock:
	@$(BIN)/uv pip compile --quiet --python-version 3.11 --universal --all-extras --generate-hashes --no-emit-index-url \
	  pyproject.toml -o requirements.lock

clean:
	@rm -rf .venv data/demo .pytest_cache .mypy_cache .ruff_cache build *.egg-info

# what we claim to be fast, measured beside what a user would pick instead
bench: setup
	@$(BIN)/python tests/bench/compare.py
