#!/usr/bin/env bash
# Makes what people install, with checksums: deploy/package.sh [RID…]   (linux-x64 linux-arm64 osx-arm64 win-x64 unless given)
#   artifacts/release/beadhub-VERSION-RID[.exe]    the whole program in one file, .NET included
#   artifacts/release/Beadhub.VERSION.nupkg        the .NET tool: dotnet tool install Beadhub --add-source artifacts/release
#   artifacts/release/Beadhub.Hosting…, Beadhub.Client.VERSION.nupkg and what they stand on: for programs that embed Beadhub
#   artifacts/release/SHA256SUMS, VERSION
# A platform whose runtime the package registry does not have is named and left out; then the exit code is 3.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
rids=("$@")
[ $# -gt 0 ] || rids=(linux-x64 linux-arm64 osx-arm64 win-x64)
release="$PWD/artifacts/release"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
rm -rf "$release"
mkdir -p "$release"
version="$(dotnet msbuild src/Silo -getProperty:Version)"

# Outputs of its own: what the tests have built stays as it is.
for project in Orleans.Local Grains.Abstractions Grains Remotes Gateway Hosting Client Silo; do
    dotnet pack "src/$project" -c Release -v quiet -p:RunAnalyzers=false --artifacts-path "$work/any" -o "$release"
done

missing=()
for rid in "${rids[@]}"; do
    # SQLite's native library is in the file too, and is unpacked where DOTNET_BUNDLE_EXTRACT_BASE_DIR says (~/.net unless set).
    if dotnet publish src/Silo -c Release -r "$rid" --self-contained -v quiet -p:RunAnalyzers=false --artifacts-path "$work/$rid" -o "$work/out-$rid" \
        -p:PublishSingleFile=true -p:IncludeNativeLibrariesForSelfExtract=true -p:PublishReadyToRun=true -p:DebugType=none \
        -p:PackAsTool=false > "$work/log" 2>&1; then
        extension=""; [[ $rid == win-* ]] && extension=".exe"
        mv "$work/out-$rid/beadhub$extension" "$release/beadhub-$version-$rid$extension"
        echo "made    beadhub-$version-$rid$extension"
    elif grep -q 'NU110[0-3]' "$work/log"; then
        missing+=("$rid")
        echo "left out $rid: the package registry has no $(grep -o 'package Microsoft\.[A-Za-z.]*[a-z0-9-]*' "$work/log" | sort -u | sed 's/package //' | paste -sd ' ')"
    else
        cat "$work/log"
        exit 1
    fi
    rm -rf "$work/$rid" "$work/out-$rid"
done

echo "$version" > "$release/VERSION"
(cd "$release" && sha256sum -- * > "$work/sums" && mv "$work/sums" SHA256SUMS)
echo "$release: version $version, $(wc -l < "$release/SHA256SUMS") files"
[ ${#missing[@]} = 0 ] || exit 3
