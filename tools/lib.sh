# shellcheck shell=bash
# What the commands of this directory share; sourced by them.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON_BIN_PATH:-python3}

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Prints the Debian packages of what is not there.
missing_packages() {
  command -v bazel bazelisk >/dev/null || echo bazel-bootstrap
  command -v g++ >/dev/null || echo g++
  "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' \
    2>/dev/null || echo python3-dev
  "$python" -c 'import pip' 2>/dev/null || echo python3-pip
  "$python" -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

# Sees to it that the build's needs are there and sets `bazel`.
prepare() {
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  if [ -n "$missing" ]; then
    local install="apt-get install --yes --no-install-recommends $missing"
    command -v apt-get >/dev/null ||
      fail "this machine lacks what Debian's packages $missing provide: install them"
    [ "$(id -u)" = 0 ] || fail "packages are missing, install them with: sudo $install"
    say "Installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet --quiet || fail "apt-get update failed: are the package servers reachable?"
    # shellcheck disable=SC2086 # one word each
    $install --quiet --quiet >/dev/null || fail "installing $missing failed, see above"
    missing=$(missing_packages | tr '\n' ' ')
    [ -z "$missing" ] ||
      fail "$(command -v "$python") still lacks what $missing provide: set PYTHON_BIN_PATH to another"
  fi
  bazel=$(command -v bazel || command -v bazelisk)
}

# Runs Bazel in the repository; progress is for terminals.
run_bazel() {
  local command=$1 quiet=()
  shift
  [ -t 2 ] || quiet=(--noshow_progress --noshow_loading_progress)
  (cd "$repository" && "$bazel" "$command" "${quiet[@]}" "$@")
}

# Builds the wheel for `python` and sets `wheel`.
build_wheel() {
  run_bazel build --config=release --ui_event_filters=-info //python:wheel ||
    fail "the build failed, see above"
  local tag
  tag=$("$python" -c 'import sys; print("cp{}{}".format(*sys.version_info))')
  # Those that were built for other interpreters are still there.
  wheel=$(echo "$repository"/bazel-bin/python/tritonserver-*-"$tag"-*.whl)
}

# Makes a virtual environment with `wheel`, NumPy and a Triton core: install_wheel DIRECTORY
install_wheel() {
  "$python" -m venv "$1" || fail "no virtual environment could be made in $1"
  local pip=("$1/bin/python" -m pip --quiet --disable-pip-version-check --no-input)
  # NumPy of the version, and with the bytes, that the tests use.
  sed -n '/^numpy==/,/[^\\]$/p' "$repository/third_party/requirements_lock.txt" >"$1/numpy.txt"
  "${pip[@]}" install --require-hashes --only-binary=:all: --requirement "$1/numpy.txt" ||
    fail "pip could not install NumPy: is the package index reachable?"
  "${pip[@]}" install --no-index --no-deps --force-reinstall "$wheel"
  "$1/bin/python" -m tritonserver.runtime install ||
    fail "the core could not be installed: is the package index reachable?"
}
