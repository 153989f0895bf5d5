#!/usr/bin/env bash
# Measures Beadhub against what bounds it, and prints one table. Arguments: [--quick] [--only ROW] [--beads N]; see README.md.
# Installs wrk, PostgreSQL and Redis from Debian's packages when they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # need PACKAGE FILE-PATTERN
    compgen -G "$2" > /dev/null && return
    echo "Installing $1 …" >&2
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$1" > /dev/null
}
need wrk '/usr/bin/wrk'
need postgresql '/usr/lib/postgresql/*/bin/postgres'
need redis-server '/usr/bin/redis-server'

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet build bench -c Release -v quiet >&2
# ClusterEngine=Orleans bench/run.sh …: the silos, where their packages restore.
engine="${ClusterEngine:-Local}"
exec dotnet "bench/bin/$([ "$engine" = Local ] || echo "$engine/")Release/net10.0/Beadhub.Bench.dll" "$@"
