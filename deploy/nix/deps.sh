#!/usr/bin/env bash
# Writes deps.json: the NuGet packages that src/Silo is built from, with the hashes of their files, as nixpkgs' buildDotnetModule reads them.
# To be run after a restore, whenever a package or its version changes.
set -euo pipefail
cd "$(dirname "$0")/../.."
dotnet restore src/Silo -v quiet
packages="${NUGET_PACKAGES:-$HOME/.nuget/packages}"
find src -path '*/obj/project.assets.json' -print0 | xargs -0 jq -r '.libraries | to_entries[] | select(.value.type == "package") | .key' | sort -u |
while IFS=/ read -r name version; do
    id="${name,,}"
    file="$packages/$id/${version,,}/$id.${version,,}.nupkg"
    jq -n --arg pname "$name" --arg version "$version" --arg hash "sha256-$(openssl dgst -sha256 -binary "$file" | base64 -w0)" \
        '{pname: $pname, version: $version, hash: $hash}'
done | jq -s 'sort_by(.pname, .version)' > deploy/nix/deps.json
echo "deploy/nix/deps.json: $(jq length deploy/nix/deps.json) packages"
