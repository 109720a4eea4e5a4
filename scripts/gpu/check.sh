#!/usr/bin/env bash
# Checks frostline on an NVIDIA card, after join.py, and writes gpu.json and gpu.md. Needs the driver, and Python 3.12
# with PyTorch and torchvision for CUDA; no network and no cargo. A failure does not stop the other checks.
# usage: scripts/gpu/check.sh [--device DEVICE] [--dry-run [SCENARIO]] [--output DIR] [--minutes N] [SECTION…]
#   SECTION     prepare, doctor, parity, speed, pipeline, faults or tutorial [default: all]. A later run with other
#               sections adds to the results of the earlier one; `prepare` always runs, and keeps what there is
#   --device    cuda, or cpu for a rehearsal: small sizes, with the CPU in the card's place [default: cuda]
#   --dry-run   run a stand-in of frostline, PyTorch and the card; takes seconds. SCENARIO is works, no-driver,
#               no-provider, no-cudnn, no-card, no-room, wrong, dies or hangs [default: works]
#   --output    the folder of gpu.json, gpu.md and gpu.log [default: gpu-results]
#   --minutes   the least important checks are left out, with a note, if they do not fit [default: 19]
#   --root, --work   the folder of the joined pieces, and the one for networks, pictures and stores
# PYTHON is the Python to use [default: python3]. Exit status: 0 if nothing failed, 1 otherwise.
set -euo pipefail
exec "${PYTHON:-python3}" "$(dirname "${BASH_SOURCE[0]}")/check.py" "$@"
