#!/usr/bin/env bash
# Build the image of one Triton release with this package in it: build.sh [RELEASE], default 23.12.
set -euo pipefail

release=${1:-23.12}
repository=$(cd "$(dirname "$0")/../.." && pwd)

DOCKER_BUILDKIT=1 exec docker build \
  --build-arg RELEASE="$release" \
  --file "$repository/tools/docker/Dockerfile" \
  --tag "tritonserver-python:$release" \
  "$repository"
