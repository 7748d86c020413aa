#!/bin/bash
# Makes random secrets in a folder, once:   deploy/mongo/make_secrets.sh deploy/compose/secrets
# The folder is closed to others. The files in it are readable, since containers read them as users of their own.
set -euo pipefail

folder=${1:?folder to make}
umask 077
mkdir -p "$folder"
for name in mongo-keyfile:756 mongo-root-password:32 worker-password:32; do
    file=$folder/${name%:*}
    if [ ! -e "$file" ]; then
        openssl rand -hex "$((${name#*:} / 2))" | tr -d '\n' >"$file"
        chmod 0444 "$file"
    fi
done
echo "secrets in $folder; keep a copy of them in a safe place, and out of version control"
