#!/bin/sh
# Install what the tests need beside the program: Python packages, and a few programs of the system.
set -eu

fail() { printf 'test set-up: %s\n' "$*" >&2; exit 1; }

# program:package, as Debian names them
needed="tmux:tmux git:git setpriv:util-linux sshd:openssh-server ssh:openssh-client
  bwrap:bubblewrap socat:socat"
PATH="$PATH:/usr/sbin:/sbin"

install() { "$VENV/bin/python" -m pip --disable-pip-version-check -q install "$@"; }

# of these packages only the program inside is used
carriers='^claude-agent-sdk=='
grep -v "$carriers" requirements-test.txt | install -r /dev/stdin
install -r requirements-llm.txt
grep "$carriers" requirements-test.txt | install --no-deps -r /dev/stdin

packages=
for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || packages="$packages ${pair##*:}"
done
if [ -n "$packages" ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 ||
    fail "these packages are needed and cannot be installed here:$packages"
  printf 'test set-up: installing%s\n' "$packages"
  # shellcheck disable=SC2086  (a list of words)
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-install-recommends $packages; } >/dev/null 2>&1 ||
    fail "could not install:$packages"
fi
VENV="$VENV" sh scripts/setup_cnn.sh >/dev/null || fail "the training campaign could not be set up, see above"
touch "$VENV/.ready-tests"
