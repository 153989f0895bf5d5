#!/usr/bin/env bash
# Packs what programs that embed Beadhub need, and the .NET tool, into artifacts/packages, from the Release build of the solution; builds the sample
# from these packages, and installs the tool from them into artifacts/tool.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
rm -rf artifacts/packages artifacts/restored artifacts/tool
for project in Orleans.Local Grains.Abstractions Grains Remotes Gateway Hosting Client Silo; do
    dotnet pack "src/$project" -c Release --no-build -v quiet -o artifacts/packages
done
# Into a folder of its own: packages of one version that are made anew would otherwise be taken from the cache, as they were. The cache gives the others.
dotnet build samples/EmbeddedHub -c Release -v quiet -p:RestorePackagesPath="$PWD/artifacts/restored" \
    -p:RestoreFallbackFolders="${NUGET_PACKAGES:-$HOME/.nuget/packages}" -warnaserror
dotnet tool install Beadhub --tool-path artifacts/tool --add-source "$PWD/artifacts/packages" --no-http-cache > /dev/null
artifacts/tool/beadhub version
