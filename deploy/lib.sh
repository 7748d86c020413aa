# Helpers of bootstrap.sh, which sets root, venv, log, extras and py.   shellcheck shell=bash

build_packages="build-essential gfortran cmake libboost-serialization-dev libgsl-dev libyaml-cpp-dev liblapack-dev libblas-dev"

# The folder that an environment was created in: its scripts only work there.
venv_home() { sed -n 's/^VIRTUAL_ENV=["'\'']\{0,1\}\([^"'\'']*\).*/\1/p' "$venv/bin/activate" | tail -n 1; }

usable_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    if [ -n "${CATALOGDB_PYTHON:-}" ]; then
        usable_python "$CATALOGDB_PYTHON" && echo "$CATALOGDB_PYTHON" && return
        fail "CATALOGDB_PYTHON=$CATALOGDB_PYTHON is not Python 3.11 or newer with the venv and ensurepip modules"
    fi
    # An active environment that has MsPASS wins.
    if command -v python3 >/dev/null && usable_python python3 && brings_mspass python3; then
        echo python3
        return
    fi
    for candidate in python3.11 python3.12 python3 python3.13; do
        if command -v "$candidate" >/dev/null && usable_python "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

mspass_version() { sed -n 's/^mspasspy==//p' "$root/deploy/constraints.txt"; }

# has_mspass PYTHON [VERSION]: looks for its compiled part too, without the seconds that importing it takes.
has_mspass() {
    "$1" - "${2:-}" >/dev/null 2>&1 <<'PYTHON'
import importlib.metadata, importlib.util, sys
assert importlib.util.find_spec("mspasspy.ccore.utility")
assert sys.argv[1] in ("", importlib.metadata.version("mspasspy"))
PYTHON
}

# A virtual environment cannot hand on its packages to another one; any other interpreter can.
brings_mspass() { "$1" -c 'import sys; sys.exit(sys.prefix != sys.base_prefix)' && has_mspass "$1"; }
shares_packages() { grep -q '^include-system-site-packages = true' "$venv/pyvenv.cfg"; }

# What to install with apt, one per line; "a|b" is satisfied by either.
system_packages() {
    local py=$1 extras=$2
    shares_packages || has_mspass "$py" "$(mspass_version)" || {
        printf '%s\n' $build_packages
        # A distribution's Python has its headers in a package of their own.
        "$py" -c 'import os, sys, sysconfig
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")): print("python%d.%d-dev" % sys.version_info[:2])'
    }
    case ",$extras," in *,embedded,*) printf '%s\n' 'libcurl4|libcurl4t64' 'libssl3|libssl3t64' ;; esac
    if [ -n "${CATALOGDB_EXTRAS:-}" ]; then
        case ",$extras," in *,mpi,*) printf '%s\n' openmpi-bin libopenmpi-dev ;; esac
    fi
    if [ -n "${CATALOGDB_EXTRA_PACKAGES:-}" ]; then printf '%s\n' $CATALOGDB_EXTRA_PACKAGES; fi
}

# What a set-up without CATALOGDB_EXTRAS goes on without: an MPI for --engine mpi, faketime for the tests of clocks.
wanted_packages() {
    if [ -z "${CATALOGDB_EXTRAS:-}" ]; then printf '%s\n' openmpi-bin libopenmpi-dev faketime; fi
}

package_installed() {
    local name
    for name in ${1//|/ }; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] && return
    done
    return 1
}

# apt_get ARGUMENT...: with its output in the log; waits five minutes for another apt-get. The option is for dpkg's lock
# alone: for those of lists and archives apt-get does not wait.
apt_get() {
    local said deadline=$((SECONDS + 300))
    until said=$("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -o DPkg::Lock::Timeout=300 "$@" 2>&1 | tee -a "$log"); do
        if [[ $said != *"Could not get lock"* ]] || [ $SECONDS -ge $deadline ]; then return 1; fi
        sleep 2
    done
}

# require_packages WHY PACKAGE...: installs those that are missing, or says exactly what to run.
require_packages() {
    local why=$1 package missing=() sudo=()
    shift
    if [ "${CATALOGDB_SKIP_SYSTEM:-}" = 1 ]; then return; fi
    if ! command -v dpkg-query >/dev/null; then
        step "no dpkg here, so no check of the packages for $why: $*"
        return
    fi
    for package in "$@"; do
        package_installed "$package" || missing+=("${package%%|*}")
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi

    local command="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            sudo=(sudo -n)
        elif command -v sudo >/dev/null && [ -t 0 ] && [ -t 2 ]; then
            echo "Some system packages are missing: ${missing[*]}. sudo may ask for your password."
            sudo -v && sudo=(sudo -n)
        fi
        if [ ${#sudo[@]} -eq 0 ]; then
            fail "these system packages are missing ($why):

$(printf '    %s\n' "${missing[@]}")

and installing them needs an administrator. Ask for this to be run once, then run this again:

    sudo sh -c '$command'

Without an administrator, use an environment that brings MsPASS: see docs/how-to/install.md."
        fi
    fi
    step "system packages: ${missing[*]}"
    # A list of packages may be old or, on a fresh machine, empty.
    quietly apt_get update
    quietly apt_get install -y --no-install-recommends "${missing[@]}"
}

# want_packages COST PACKAGE...: installs those that are missing, or says in one line what their lack costs.
want_packages() {
    local cost=$1 package missing=() sudo=()
    shift
    if [ "${CATALOGDB_SKIP_SYSTEM:-}" = 1 ] || ! command -v dpkg-query >/dev/null; then return; fi
    for package in "$@"; do
        package_installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    if [ "$(id -u)" != 0 ]; then sudo=(sudo -n); fi
    step "system packages: ${missing[*]}"
    { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; } </dev/null ||
        step "not installed: ${missing[*]}; $cost (later: apt-get install ${missing[*]})"
}

# What the package and its extras ask for besides MsPASS, one requirement per line.
requirements_besides_mspass() {
    "$py" - "$root/pyproject.toml" "$extras" <<'PYTHON'
import sys, tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
extras = [project["optional-dependencies"].get(extra.strip(), []) for extra in sys.argv[2].split(",")]
print(*(line for line in sum(extras, project["dependencies"]) if not line.startswith("mspasspy")), sep="\n")
PYTHON
}

# In a group of processes of its own, with a log of its own; ends with this script.
start_building_mspass() {
    set -m
    (
        log=$root/.bootstrap-mspass.log
        : >"$log"
        quietly "$root/deploy/mspass/build_wheel.sh" "$py" "$(wheel_dir "$py")"
    ) &
    building=$!
    set +m
    trap 'kill -- "-$building" 2>/dev/null || true' EXIT
}

# A CPU build is a tenth of the default one's size, so take it where it can be had.
install_torch() {
    local torch cpu_index=https://download.pytorch.org/whl/cpu
    torch=$(sed -n 's/^\(torch==[^ ;]*\).*/\1/p' "$root/deploy/constraints.txt")
    case "${CATALOGDB_TORCH_INDEX:-}" in
    default)
        step "PyTorch as pip is configured"
        pip "$torch"
        ;;
    ?*)
        step "PyTorch from the index in CATALOGDB_TORCH_INDEX"
        pip --index-url "$CATALOGDB_TORCH_INDEX" "$torch"
        ;;
    *)
        if local_torch_wheel "$torch"; then
            step "PyTorch from a wheel that pip is configured with"
            pip "$torch"
        elif index_answers "$cpu_index/torch/"; then
            step "PyTorch, CPU build"
            pip --index-url "$cpu_index" "$torch"
        else
            step "PyTorch as pip is configured ($cpu_index does not answer; see CATALOGDB_TORCH_INDEX)"
            pip "$torch"
        fi
        ;;
    esac
}

# Does a folder in pip's find-links hold this PyTorch for this Python?
local_torch_wheel() {
    local folder tag
    tag=$("$py" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
    for folder in $("$py" -m pip config list 2>/dev/null | sed -n "s/.*find-links='\(.*\)'\$/\1/p"); do
        compgen -G "${folder#file://}/${1/==/-}*-$tag-*.whl" >/dev/null && return
    done
    return 1
}

index_answers() {
    "$py" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=4).read(1)' "$1" >/dev/null 2>&1
}

cache_root() {
    local cache=${XDG_CACHE_HOME:-${HOME:-$(cd ~ 2>/dev/null && pwd)}/.cache}/catalogdb
    if mkdir -p "$cache/wheels" 2>/dev/null && [ -w "$cache/wheels" ]; then echo "$cache"; else echo "$root/.cache/catalogdb"; fi
}

# A wheel belongs to a version of MsPASS and of Python, a release of the distribution and the way it was built.
wheel_dir() {
    local distribution abi how
    distribution=$(. /etc/os-release 2>/dev/null && echo "${ID:-linux}${VERSION_ID:-}" || uname -s)
    abi=$("$1" -c 'import sys, sysconfig; print("cp%d%d-" % sys.version_info[:2] + sysconfig.get_platform().replace("-", "_"))')
    how=$(cat "$root"/deploy/mspass/*.{sh,py} | sha256sum | cut -c1-12)
    echo "$(cache_root)/wheels/mspasspy-$(mspass_version)-$abi-$distribution-$how"
}

cached_mspass_wheel() { compgen -G "$(wheel_dir "$1")/mspasspy-*.whl" || true; }
