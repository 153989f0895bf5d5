#!/usr/bin/env bash
# Runs all tests. Installs what they need beyond the .NET SDK when it is missing: PostgreSQL, Redis, nginx, sqlite3 and Chromium from
# Debian's packages.
# Arguments are passed on to `dotnet test`. Ends with one line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "$0")"

need() { # need PACKAGE FILE-PATTERN
    compgen -G "$2" > /dev/null && return
    echo "Installing $1 …"
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$1" > /dev/null
}
need postgresql '/usr/lib/postgresql/*/bin/postgres'
need sqlite3 '/usr/bin/sqlite3'
need redis-server '/usr/bin/redis-server'
need nginx '/usr/sbin/nginx'
for shell in zsh fish caddy; do need "$shell" "/usr/bin/$shell" || echo "There is no $shell: what is for it is not tried."; done
need nix-bin '/usr/bin/nix-instantiate' || echo "There is no Nix: deploy/nix is not read."
need chromium '/usr/bin/chromium' || echo "Chromium cannot be had here: the browser tests are skipped."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# Hundreds of short processes are started: compiling their code a second time, with counters, costs more than it ever gives back.
export DOTNET_TieredPGO=0
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT

# One compiler that is warm serves all projects, a third faster than one a project; it ends with the build.
dotnet build Beadhub.sln -c Release -v quiet -p:UseSharedCompilation=true
dotnet build-server shutdown --vbcscompiler > /dev/null
samples/build.sh
# Hundreds of servers are started: each would spend a second on compiling what is compiled here once.
dotnet publish src/Silo -c Release -r "linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')" --no-self-contained -p:PublishReadyToRun=true -v quiet -o "$results/silo" \
    && cp "$results"/silo/*.dll src/Silo/bin/Release/net10.0/ || echo "ReadyToRun cannot be had here: servers compile themselves."
rm -rf "$results/silo"
# A build keeps the engines apart, each in folders of its own.
orleans=()
if dotnet restore tests/Orleans.Tests -p:ClusterEngine=Orleans -v quiet > /dev/null 2>&1; then
    # What runs on both engines is tested on both, and the Orleans engine by tests of its own.
    orleans=(tests/Orleans.Tests tests/Gateway.Tests tests/Cluster.Tests)
    for project in Beadhub.sln tests/Orleans.Tests; do dotnet build "$project" -c Release -v quiet -p:ClusterEngine=Orleans; done
else
    echo "The Orleans packages do not restore here: only the Local engine is built and tested."
fi

run() { # run PROJECT…: their tests, one project after the other
    local failed=0
    for project in "$@"; do
        dotnet test "$project" -c Release --no-build --logger "console;verbosity=minimal" --logger trx --results-directory "$results/$project" "${arguments[@]}" || failed=$?
    done
    return $failed
}
arguments=("$@")
code=0
# The black-box tests wait for servers to start much of the time: other projects run beside them, one after the other (all at once took longer), in two rows
# that take about as long. Clusters of real processes, timing out on purpose, want the machine for themselves.
projects() { dotnet sln Beadhub.sln list | grep 'Tests\.csproj$' | grep -v -e Gateway.Tests -e Cluster.Tests | grep "$@" -e Browser.Tests -e Commands.Tests -e Silo.Tests; }
mapfile -t beside < <(projects)
mapfile -t after < <(projects -v)
run "${beside[@]}" > "$results/others.log" 2>&1 & row=$!
run tests/Gateway.Tests "${after[@]}" || code=$?
wait $row || code=$?
cat "$results/others.log"
run tests/Cluster.Tests || code=$?
for project in "${orleans[@]}"; do
    dotnet test "$project" -c Release --no-build -p:ClusterEngine=Orleans --logger "console;verbosity=minimal" --logger trx --results-directory "$results/Orleans/$project" "$@" || code=$?
done

count() { { grep -rho --include='*.trx' "<Counters [^>]*" "$results" || true; } | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
total=$(count total) passed=$(count passed) failed=$(count failed)
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit $code
