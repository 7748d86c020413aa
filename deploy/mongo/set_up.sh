#!/bin/bash
# Makes the replica set, the schema and the worker's user; may be run again and again.
# CATALOGDB_URI and CATALOGDB_PASSWORD_FILE are root's, WORKER_PASSWORD_FILE is the worker's.
set -euo pipefail

python "$(dirname "${BASH_SOURCE[0]}")/initiate.py"
catalogdb db init
users=$(catalogdb db users list --json)
if [[ $users == *'"name": "worker"'* ]]; then
    catalogdb db users password worker --password-file "$WORKER_PASSWORD_FILE"
else
    catalogdb db users add worker --role worker --password-file "$WORKER_PASSWORD_FILE"
fi
