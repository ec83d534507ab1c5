# Sourced by every finding: a temporary folder, one C# file built there with pinned packages, and the comparison.
set -euo pipefail
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"

# build < app.cs: makes out/app.dll
build() {
  cat >app.cs
  dotnet build app.cs -c Release -o out -v q >build.log 2>&1 || { cat build.log; echo "could not be built"; exit 2; }
  # TorchSharp 0.107.0's library asks for a symbol version of GCC 13 without using it; where libstdc++ is older,
  # that one requirement is marked weak in the copy that was just made.
  local torch=out/runtimes/linux-x64/native/libLibTorchSharp.so
  if [ -e "$torch" ]; then
    cp "$torch" copy.so && perl -0777 -pi -e 's/\x42\xf8\x97\x02\x00\x00/\x42\xf8\x97\x02\x02\x00/' copy.so && mv -f copy.so "$torch"
  fi
}

# expect < lines: runs the program and compares
expect() {
  cat >expected
  dotnet out/app.dll >seen || { cat seen; echo "the program failed"; exit 2; }
  cat seen
  diff expected seen >difference || { echo "--- it behaves differently now:"; cat difference; exit 1; }
  echo "as stated"
}
