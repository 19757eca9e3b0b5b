#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One job of .gitlab-ci.yml: the same script that developers run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec bin/test "$@"
