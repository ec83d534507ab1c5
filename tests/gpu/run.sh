#!/usr/bin/env bash
# All that needs a GPU, on the one named (cuda:0 by default): the doctor's checks against the processor, a micro sweep twice with the same
# bits, drawing in float32 and bfloat16, and the benchmark. Exit 0: well, 1: something is not, 77: there is no GPU here and nothing was run.
# Build first: with -p:TorchBackend=none and NEXTSTEP_LIBTORCH=…/torch/lib of a PyTorch 2.10 with CUDA, or with -p:TorchBackend=cuda-linux.
set -u
device=${1:-cuda:0}
root=$(cd "$(dirname "$0")/../.." && pwd)
nextstep=$root/src/NextStep.Research.Cli/bin/Release/net10.0/nextstep
[ -x "$nextstep" ] || { echo "not built: dotnet build -c Release (see the head of this script for a GPU)"; exit 1; }
if ! "$nextstep" doctor 2>/dev/null | grep -E '^CUDA devices +[1-9]' > /dev/null; then
    echo "NO GPU: this process sees no CUDA device, so nothing was run. What is missing:"
    "$nextstep" doctor 2>&1 | grep -E '^(CUDA devices|a GPU needs|libtorch)'
    exit 77
fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
failed=0
try() { echo "== $1"; shift; "$@" || { echo "FAILED: $*"; failed=1; }; }
sweep() { "$nextstep" sweep "$root/experiments/quickstart.yaml" --device "$device" --only baseline --jobs 1 --out "$work/$1" --set 'seeds=[0]' --set training.autoencoder.images=800 --set training.model.images=3200; }
weights() { (cd "$work/$1" && find cells -name '*.safetensors' | sort | xargs sha256sum); }
same() { [ -n "$(weights one)" ] && [ "$(weights one)" = "$(weights two)" ]; }
try "checks" "$nextstep" doctor --device "$device"
try "a sweep" sweep one
try "the same sweep again" sweep two
try "the same bits" same
try "drawing, float32" "$nextstep" generate --prompt "a red circle" --device "$device" --seed 1 -o "$work/a.png"
try "drawing, bfloat16" "$nextstep" generate --prompt "a red circle" --device "$device" --precision bfloat16 --seed 1 -o "$work/b.png"
try "drawing with the rest of the layers on the processor" "$nextstep" generate --prompt "a red circle" --device "$device,cpu" --seed 1 -o "$work/c.png"
try "speed" "$nextstep" bench --device "$device"
exit $failed
