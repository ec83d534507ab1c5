#!/usr/bin/env bash
# The quickstart's baseline, shortened, N times (20 unless given) in fresh folders while the collector runs as often as it can:
# every run must end well, and all with one and the same model.safetensors.   tests/stress/collection.sh [N] [FOLDER]
set -u
cd "$(dirname "$0")/../.."
runs=${1:-20} out=${2:-$(mktemp -d)} failed=0
: > "$out.hashes"
dotnet build src/NextStep.Research.Cli -c Release -v q -nologo || exit 1
export DOTNET_GCgen0size=0x10000 DOTNET_GCgen0MaxBudget=0x10000
for i in $(seq "$runs"); do
  dotnet run -c Release --no-build --project src/NextStep.Research.Cli -- sweep experiments/quickstart.yaml --only baseline \
    --set 'seeds=[0]' --set training.autoencoder.images=800 --set training.model.images=3200 --out "$out/$i" > "$out.log" 2>&1 \
    || { echo "run $i ended with $?:"; tail -5 "$out.log"; failed=$((failed + 1)); }
  sha256sum "$out/$i"/cells/*/checkpoint/model.safetensors | cut -d' ' -f1 | tee -a "$out.hashes"
  rm -rf "${out:?}/$i"
done
different=$(sort -u "$out.hashes" | wc -l)
echo "$runs runs, $failed failed, $different different model.safetensors"
[ "$failed" = 0 ] && [ "$different" = 1 ]
