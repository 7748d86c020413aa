#!/bin/bash
# Starts one member of the replica set, in MongoDB's own image: compose and Kubernetes call it.
set -euo pipefail

# mongod takes a key file only if no one else may read it; a mounted secret's mode is not ours to choose.
install -m 0400 /run/secrets/mongo-keyfile /tmp/keyfile

# The image makes the root user in an empty data folder. The other members must stay empty until they join.
if [ "${HOSTNAME##*-}" != 0 ]; then
    unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD_FILE
fi

exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /tmp/keyfile --bind_ip_all --noscripting \
    --wiredTigerCacheSizeGB "${CACHE_GB:-1}"
