#!/usr/bin/env bash
# Writes a backup of a Beadhub's log to a file, while servers run on it:
#   backup.sh postgres://beadhub_reader:PASSWORD@host/beadhub beadhub.dump
#   backup.sh sqlite:/var/lib/beadhub/beadhub.db beadhub.db.backup
# The file appears when it is whole. A backup holds everything that is in the log: keep it as safe as the database. Of SQLite, FILE.key is the key that the
# server keeps beside its file, under which the secrets of webhooks are sealed; a key of the operator's own (BEADHUB_SECRET_KEY) is for the operator to keep.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 DATABASE-URL FILE" >&2; exit 2; }
url="$1" file="$2" part="$2.part"
umask 077
trap 'rm -f "$part"' EXIT

case "$url" in
    sqlite:*)
        source="${url#sqlite:}"
        [ -f "$source" ] || { echo "$0: there is no $source" >&2; exit 1; }
        rm -f "$part"
        # SQLite's own copy of a database in use: one instant, whatever is written meanwhile.
        sqlite3 -bail "$source" ".timeout 10000" ".backup '${part//\'/\'\'}'"
        [ "$(sqlite3 -bail "$part" 'PRAGMA quick_check')" = ok ] || { echo "$0: the copy is damaged" >&2; exit 1; }
        key="$(readlink -f "$source").key"
        [ ! -f "$key" ] || { cp "$key" "$file.key"; sync "$file.key"; }
        ;;
    *)
        # One snapshot of all tables. Leases say who runs now, and shared_state who is there; they are not restored.
        pg_dump --format=custom --no-owner --no-privileges --exclude-table-data='*.leases' --exclude-table-data='*.shared_state' --file="$part" --dbname="$url"
        pg_restore --list "$part" > /dev/null
        ;;
esac
sync "$part"
mv "$part" "$file"
