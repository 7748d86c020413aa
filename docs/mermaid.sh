#!/usr/bin/env bash
# Fetch mermaid, which draws the pictures of the site that are text; without npm or network they stay text.
set -euo pipefail
static=$(cd "$(dirname "${BASH_SOURCE[0]}")/_static" && pwd)
version=11.12.1
[ -f "$static/mermaid.min.js" ] && exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! (cd "$folder" && timeout 120 npm pack --silent "mermaid@$version") >/dev/null 2>&1; then
    echo "site: mermaid can't be fetched (npm, network): some pictures of the site stay text"
    exit 0
fi
tar -xzf "$folder"/mermaid-*.tgz -C "$folder" package/dist/mermaid.min.js
mv "$folder/package/dist/mermaid.min.js" "$static"
