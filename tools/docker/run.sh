#!/usr/bin/env bash
# Start a shell in the image that build.sh made, with the current folder at /workspace:
# run.sh [RELEASE], default 23.12.
set -euo pipefail

release=${1:-23.12}
gpus=()
if command -v nvidia-smi >/dev/null; then gpus=(--gpus all); fi

# Python models and the core exchange tensors in /dev/shm, of which Docker gives 64 MB by default.
exec docker run --rm --interactive --tty "${gpus[@]}" \
  --shm-size=1g \
  --volume "$PWD:/workspace" \
  --workdir /workspace \
  "tritonserver-python:$release" bash
