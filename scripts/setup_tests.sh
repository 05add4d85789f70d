#!/bin/sh
# Install what the tests need beside the program: Python packages, and tmux for the end-to-end test.
set -eu

fail() { printf 'test set-up: %s\n' "$*" >&2; exit 1; }

"$VENV/bin/python" -m pip --disable-pip-version-check -q install -r requirements-test.txt

missing=
for tool in tmux git setpriv; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  packages=$(printf '%s\n' $missing | sed 's/setpriv/util-linux/')
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf 'test set-up: installing%s\n' "$missing"
    apt-get -qq update && apt-get -qq install -y --no-install-recommends $packages >/dev/null ||
      fail "could not install:$missing"
  else
    fail "these programs are needed by the tests and not installed:$missing"
  fi
fi
touch "$VENV/.ready-tests"
