#!/usr/bin/env bash
# A Slurm of this host alone, for trying scripts and for tests: munged, slurmctld and slurmd under one folder.
#
#   deploy/slurm/single-node.sh start FOLDER [SLOTS]    start it; SLOTS (default 4) jobs of one core run at once
#   deploy/slurm/single-node.sh stop FOLDER             cancel its jobs and end it
#   export SLURM_CONF=FOLDER/slurm.conf                 then sbatch, squeue, srun, sacct... are of this Slurm
#
# Needs Debian's slurm-wlm and munge. Nothing outside FOLDER is written or read, and no service of the host is touched.
set -euo pipefail

usage() {
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

fail() {
    echo "single-node.sh: $*" >&2
    exit 1
}

need() {
    local command
    for command in munged mungekey slurmctld slurmd sinfo scontrol; do
        PATH=$PATH:/usr/sbin command -v "$command" >/dev/null || fail "no $command here: apt-get install slurm-wlm munge"
    done
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# running NAME: does the process whose id stands in NAME.pid still run?
running() {
    local pid
    pid=$(cat "$folder/$1.pid" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

configure() {
    local host memory controller node
    host=$(hostname -s)
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    controller=$(free_port)
    node=$(free_port)
    cat >"$folder/slurm.conf" <<CONF
ClusterName=single
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=$controller
SlurmdPort=$node
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobcomp.log
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=512
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
KillWait=20
MinJobAge=3600
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=$host NodeAddr=127.0.0.1 CPUs=$slots RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=10
PartitionName=urgent Nodes=$host MaxTime=INFINITE State=UP PriorityTier=2
CONF
}

start() {
    need
    mkdir -p "$folder"/{state,spool}
    chmod 700 "$folder"
    if running slurmctld; then fail "$folder: runs already; stop it first"; fi
    [ -f "$folder/munge.key" ] || mungekey --create --keyfile="$folder/munge.key"
    configure
    export SLURM_CONF=$folder/slurm.conf
    # --force: munged would rather have a user of its own, and folders that belong to it
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"
    slurmctld -c -f "$SLURM_CONF"
    slurmd -f "$SLURM_CONF"
    for _ in $(seq 150); do
        if sinfo --noheader --format=%T 2>/dev/null | grep -qx idle; then
            echo "$SLURM_CONF"
            return
        fi
        sleep 0.2
    done
    tail -n 5 "$folder"/*.log >&2
    stop
    fail "the node did not become idle within 30 s"
}

stop() {
    export SLURM_CONF=$folder/slurm.conf
    local name pid
    if running slurmctld; then
        scancel --full --quiet --user="$(id -un)" 2>/dev/null || true
        for _ in $(seq 100); do
            [ -n "$(squeue --noheader 2>/dev/null)" ] || break
            sleep 0.2
        done
    fi
    for name in slurmd slurmctld munged; do
        running "$name" || continue
        pid=$(cat "$folder/$name.pid")
        kill "$pid"
        for _ in $(seq 50); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        if kill -0 "$pid" 2>/dev/null; then kill -9 "$pid"; fi
    done
}

[ $# -ge 2 ] || usage
PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$2"
folder=$(cd "$2" && pwd)
slots=${3:-4}
case $1 in
start) start ;;
stop) stop ;;
*) usage ;;
esac
