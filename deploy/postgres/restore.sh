#!/usr/bin/env bash
# Restores a backup into a place where no Beadhub's log is yet:
#   restore.sh beadhub.dump postgres://postgres@host/beadhub      an empty database, by a superuser; run roles.sql there afterwards
#   restore.sh beadhub.db.backup sqlite:/var/lib/beadhub/beadhub.db
# All or nothing. Start the server afterwards; clients go on where the backup ends.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 FILE DATABASE-URL" >&2; exit 2; }
file="$1" url="$2"
[ -r "$file" ] || { echo "$0: cannot read $file" >&2; exit 1; }
umask 077

case "$url" in
    sqlite:*)
        target="${url#sqlite:}"
        for old in "$target" "$target-wal" "$target-shm" "$target.key"; do
            [ ! -e "$old" ] || { echo "$0: $old is there already: move it away first" >&2; exit 1; }
        done
        mkdir -p "$(dirname "$target")"
        [ ! -f "$file.key" ] || cp "$file.key" "$target.key"
        cp "$file" "$target.part"
        sync "$target.part"
        mv "$target.part" "$target"
        ;;
    *)
        present="$(psql --no-psqlrc --quiet --tuples-only --no-align --dbname="$url" --command="SELECT count(*) FROM pg_tables WHERE tablename = 'events'")"
        [ "$present" = 0 ] || { echo "$0: that database holds a log already: make a new one" >&2; exit 1; }
        pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$url" "$file"
        psql --no-psqlrc --quiet --dbname="$url" --command="ANALYZE"
        ;;
esac
