#!/bin/sh
# Make the environment that controlroom runs in. Called by make, from the root of the checkout.
set -eu

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "$PYTHON must be Python 3.11 or newer; name another one: make setup PYTHON=python3.12"
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "$PYTHON has no venv module; on Debian: apt-get install python3-venv"

printf 'setup: making %s with %s\n' "$VENV" "$("$PYTHON" --version)"
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check -q "$@"; }
pip install -r requirements.txt
# The plain form of an editable install: the default one makes every start 20 ms slower.
pip install --no-deps --config-settings editable_mode=compat --editable .

# The TPU compiler is 600 MB and exists for Linux on x86-64 only: without it the kernel campaign
# cannot be costed, and all the rest works.
if ! pip install -r requirements-tpu.txt; then
  printf 'setup: the TPU compiler (libtpu) could not be installed; the default campaign will be circle packing\n' >&2
fi
touch "$VENV/.ready"
printf 'setup: done; %s/bin/controlroom\n' "$VENV"
