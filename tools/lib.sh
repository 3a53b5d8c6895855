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
