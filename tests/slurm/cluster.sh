#!/usr/bin/env bash
# A Slurm of its own on this machine, for tests: two nodes, no munge, no cgroups, only on the loopback device.
#   cluster.sh start FOLDER     writes FOLDER/slurm.conf and waits until both nodes are idle
#   cluster.sh lose FOLDER N    node nN crashes: its daemon, its step daemons and all that they run are killed
#   cluster.sh mend FOLDER N    node nN comes back
#   cluster.sh stop FOLDER
set -euo pipefail
verb=$1 folder=$(realpath -m "$2") node=${3:-} host=$(hostname -s) user=$(id -un)
export SLURM_CONF=$folder/slurm.conf

configure() {
  # Ports from the folder's name, so that two clusters can live side by side.
  local port=$((20000 + $(cksum <<<"$folder" | cut -d' ' -f1) % 20000))
  mkdir -p "$folder"/{state,run,log,spool/n1,spool/n2}
  cat >"$SLURM_CONF" <<CONF
ClusterName=nextstep
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=${SLURMD_TIMEOUT:-5}
KillWait=20
MinJobAge=300
MaxArraySize=4
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=60 PriorityTier=1
PartitionName=high Nodes=ALL MaxTime=60 PriorityTier=10
CONF
}

idle() {
  for _ in $(seq 80); do
    [ "$(sinfo -h -N -n "$1" -o %t 2>/dev/null | sort -u)" = idle ] && return
    sleep 0.25
  done
  echo "$1 did not become idle; see $folder/log" >&2
  exit 1
}

ended() { # waits for a process to be gone, or to be a corpse that nobody collects
  for _ in $(seq 40); do
    case $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null || true) in '' | Z) return 0 ;; esac
    sleep 0.1
  done
  kill -9 "$1" 2>/dev/null || true
}

case $verb in
start)
  configure
  slurmctld
  slurmd -N n1
  slurmd -N n2
  idle n1,n2
  ;;
lose)
  kill -9 "$(cat "$folder/run/n$node.pid")"
  # What runs on a node carries its name in the environment, and has the step daemon as parent.
  for pid in $(grep -lz "^SLURM_CONF=$SLURM_CONF\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
    if grep -qz "^SLURMD_NODENAME=n$node\$" "/proc/$pid/environ" 2>/dev/null; then
      parent=$(cut -d' ' -f4 <"/proc/$pid/stat" 2>/dev/null || true)
      [ "$(cat "/proc/$parent/comm" 2>/dev/null)" = slurmstepd ] && kill -9 "$parent" 2>/dev/null || true
      kill -9 "$pid" 2>/dev/null || true
    fi
  done
  ;;
mend)
  slurmd -N "n$node"
  idle "n$node"
  ;;
stop)
  scancel --user "$user" 2>/dev/null || true
  for file in "$folder"/run/n1.pid "$folder"/run/n2.pid "$folder"/run/slurmctld.pid; do
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null && ended "$pid" || true
  done
  ;;
*)
  echo "usage: cluster.sh start|lose|mend|stop FOLDER [N]" >&2
  exit 2
  ;;
esac
