#!/usr/bin/env bash
# Asks whether known vulnerabilities stand against the versions that are installed here.
# Exit code 1: some do. 0: none do, or nothing could be asked; the last line says which of the two.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

not_audited() {
    echo "audit: NOT DONE: $*"
    exit 0
}

"$root/.venv/bin/python" -m pip list --format=freeze --exclude-editable >"$folder/installed.txt"
# An environment of its own: the audit's packages must not change what is audited.
python3 -m venv "$folder/audit"
"$folder/audit/bin/pip" install -q --disable-pip-version-check "pip-audit>=2.9,<3" >"$folder/log" 2>&1 ||
    not_audited "pip-audit cannot be installed; $(tail -n 1 "$folder/log")"
# ask REQUIREMENTS REPORT
ask() {
    "$folder/audit/bin/pip-audit" -r "$1" --no-deps --disable-pip --progress-spinner off --format json --output "$2" \
        >"$folder/log" 2>&1 || true
}

# First a version that is known to be bad: who finds nothing there has asked no one.
echo "jinja2==2.10" >"$folder/known.txt"
ask "$folder/known.txt" "$folder/known.json"
grep -q '"id":' "$folder/known.json" 2>/dev/null || not_audited "the database of advisories gives no answer here"

ask "$folder/installed.txt" "$folder/report.json"
[ -s "$folder/report.json" ] || not_audited "$(tail -n 1 "$folder/log")"
"$root/.venv/bin/python" "$root/deploy/audit_report.py" "$folder/report.json"
