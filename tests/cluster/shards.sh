#!/usr/bin/env bash
# Runs the recipes of docs/clusters.md and deploy/ with the real tools, on this machine, and compares each merged
# store with that of a single run, bit for bit. Starts what it needs and stops it again. GNU parallel and Slurm are
# installed if this is Debian and the user is root; without one of them, its recipe is skipped with a message.
# usage: tests/cluster/shards.sh      FROSTLINE=PATH uses this program instead of a release build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ -n "${FROSTLINE:-}" ]; then
    source scripts/say.sh
    frostline=$(realpath "$FROSTLINE")
else
    source scripts/setup.sh
fi
source tests/cluster/environment.sh
export FROSTLINE_HOME
FROSTLINE_HOME=$(realpath "${FROSTLINE_HOME:-.frostline}")
root=$PWD
work=$(mktemp -d)
started=()
stop() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
chmod 755 "$work"
mkdir "$work/bin"
ln -s "$frostline" "$work/bin/frostline"
export PATH="$work/bin:$PATH"

# recipe HEADING: the first block of shell commands below a heading of docs/clusters.md.
recipe() {
    awk -v heading="## $1" '$0 == heading {below = 1; next} /^## / {below = 0}
        below && /^```bash$/ {inside = 1; next} /^```$/ {if (inside) exit} inside' "$root/docs/clusters.md"
}

# same STORE: whether a store has the images, classes and features of the single run.
same() {
    cmp "$work/whole/index.arrow" "$1/index.arrow"
    frostline features export "$1" -o "$1.csv" --quiet
    cmp "$work/whole.csv" "$1.csv"
}

# merged FOLDER: merges its shards and compares. Status 3: one image is bad.
merged() {
    frostline features status "$1"/shards/* >/dev/null && return 1 || [ $? -eq 3 ]
    frostline features merge "$1"/shards/* -o "$1/merged" --quiet 2>/dev/null && return 1 || [ $? -eq 3 ]
    same "$1/merged"
}

# place NAME: an empty folder with the photos.
place() {
    mkdir "$work/$1"
    ln -s ../photos "$work/$1/photos"
    cd "$work/$1"
}

say "photos, and the store of a single run"
python3 - "$work/photos" <<'END'
import pathlib, random, sys
random.seed(24)
root = pathlib.Path(sys.argv[1])
for name in ("cat", "dog"):
    (root / name).mkdir(parents=True)
    for i in range(60):
        side = random.randrange(64, 640)
        (root / name / f"{i}.ppm").write_bytes(b"P6 %d %d 255\n" % (side, side) + random.randbytes(3 * side * side))
(root / "dog" / "bad.jpg").write_text("<html></html>")
(root / "dog" / "copy.ppm").write_bytes((root / "cat" / "0.ppm").read_bytes())
END
frostline extract "$work/photos" -o "$work/whole" --quiet 2>/dev/null && exit 1 || [ $? -eq 3 ]
frostline features export "$work/whole" -o "$work/whole.csv" --quiet

say "ssh"
place ssh
# Runs the command on this machine.
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >"$work/bin/ssh"
chmod +x "$work/bin/ssh"
bash -c "$(recipe ssh)" 2>/dev/null
rm "$work/bin/ssh"
merged .

if have parallel parallel; then
    say "GNU parallel, while up to 10 runs are killed"
    place parallel
    bash -eu -c "$(recipe 'GNU parallel')" 2>/dev/null &
    recipe=$!
    kills=0
    while kill -0 $recipe 2>/dev/null; do
        sleep "0.$((RANDOM % 4))"
        lock=$(ls shards/*/.lock 2>/dev/null | shuf -n 1) || true
        process=$(cat "$lock" 2>/dev/null) || continue
        # The lock of a finished run names a process that is gone.
        [ "$(readlink "/proc/$process/exe")" = "$frostline" ] || continue
        if [ $kills -lt 10 ]; then kill -9 "$process" 2>/dev/null && kills=$((kills + 1)) || true; fi
    done
    wait $recipe
    say "killed $kills times"
    merged .
fi

say "the shell of the Kubernetes job"
place kubernetes
script=$(awk '/^ +- \|$/ {inside = 1; next} inside && /^              / {print; next} inside {exit}' \
    "$root/deploy/kubernetes/shards.yaml")
mkdir shards
for index in 0 1 2 3; do
    SHARDS=4 IMAGES=photos STORES=shards JOB_COMPLETION_INDEX=$index sh -c "$script" 2>/dev/null
done
merged .
# SIGTERM is passed on, and the shell ends with the status of the program.
SHARDS=1 IMAGES=photos STORES=stopped JOB_COMPLETION_INDEX=0 sh -c "$script" 2>/dev/null &
shell=$!
until [ -s stopped/0/shard.json ]; do sleep 0.02; done
kill -TERM $shell
wait $shell && code=0 || code=$?
[ $code -eq 143 ] || { echo "the shell ended with $code, not 143" >&2; exit 1; }

# slurm: starts Slurm with one node, in the foreground and apart from any other Slurm.
slurm() {
    have slurmctld slurm-wlm munge || return 1
    local folder=$work/slurm host port
    host=$(hostname)
    port=$((20000 + RANDOM % 20000))
    mkdir -p "$folder"/{state,spool,munge}
    cat >"$folder/slurm.conf" <<END
ClusterName=frostline
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
END
    head -c 1024 /dev/urandom >"$folder/munge/key"
    chmod 400 "$folder/munge/key"
    chown -R munge: "$folder/munge"
    export SLURM_CONF=$folder/slurm.conf
    setpriv --reuid=munge --regid=munge --clear-groups munged -F --socket "$folder/munge/socket" \
        --key-file "$folder/munge/key" --pid-file "$folder/munge/pid" --log-file "$folder/munge/log" \
        --seed-file "$folder/munge/seed" >/dev/null 2>&1 &
    started+=($!)
    for _ in $(seq 50); do [ -S "$folder/munge/socket" ] && break || sleep 0.1; done
    slurmctld -D -c >/dev/null 2>&1 &
    started+=($!)
    slurmd -D >/dev/null 2>&1 &
    started+=($!)
    for _ in $(seq 100); do
        # A node that was down at the start has a name with a star.
        sinfo -h -o %T 2>/dev/null | grep -qx idle && return || sleep 0.2
    done
    say "Slurm does not start here: its recipe is not tested"
    tail -n 5 "$folder"/*.log "$folder"/munge/log >&2 || true
    return 1
}

if slurm; then
    say "Slurm"
    place slurm-array
    cp "$root/deploy/slurm/extract.sbatch" .
    bash -eu -c "$(recipe Slurm)" >/dev/null
    merged .
    say "Slurm with an offset"
    place slurm-offset
    cp "$root/deploy/slurm/extract.sbatch" .
    export SHARDS=4 IMAGES=$PWD/photos STORES=$PWD/shards
    for OFFSET in 0 2; do
        OFFSET=$OFFSET sbatch --wait --array=0-1 extract.sbatch >/dev/null
    done
    merged .
fi
say "all merged stores are those of a single run"
