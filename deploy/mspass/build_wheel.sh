#!/usr/bin/env bash
# Build a wheel of mspasspy from its PyPI source distribution and packaged libraries, with no other download.
#
#   build_wheel.sh PYTHON OUTPUT_DIR
#
# PYTHON is any interpreter with the venv module (a virtual environment's is fine).  What it builds from is fetched
# with pip, so pip's own configuration (index, proxy, find-links) holds.  See README.md beside this file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MSPASSPY_VERSION=$(sed -n "s/^mspasspy==//p" "$here/../constraints.txt")
PYMSEED_VERSION=0.0.1      # carries the C sources of libmseed 3.1.6
PYBIND11_VERSION=2.13.6

if [ $# -ne 2 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 2
fi
python=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)

work=$(mktemp -d "${TMPDIR:-/tmp}/mspass-build.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "== build environment"
"$python" -m venv "$work/env"
py=$work/env/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$py" -m pip install -q "setuptools>=77,<81" "setuptools_scm>=8,<10" wheel numpy cffi "pybind11==$PYBIND11_VERSION"

echo "== sources"
fetch() { "$py" -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$work/sdist" "$1"; }
# pip asks an sdist for its metadata even when only downloading it: hence cffi above, which pymseed wants for that.
SETUPTOOLS_SCM_PRETEND_VERSION=$MSPASSPY_VERSION fetch "mspasspy==$MSPASSPY_VERSION"
fetch "pymseed==$PYMSEED_VERSION"
tar -xzf "$work/sdist/mspasspy-$MSPASSPY_VERSION.tar.gz" -C "$work"
tar -xzf "$work/sdist/pymseed-$PYMSEED_VERSION.tar.gz" -C "$work"
source=$work/mspasspy-$MSPASSPY_VERSION

echo "== libmseed"
mkdir "$work/libmseed"
cp "$work/pymseed-$PYMSEED_VERSION"/cffi_module/libmseed/*.[ch] "$work/libmseed"
(
    cd "$work/libmseed"
    printf '%s\n' *.c | xargs -P "$(nproc)" -n 1 "${CC:-cc}" -O2 -fPIC -fvisibility=hidden -c
    ar rcs libmseed.a ./*.o
)

echo "== mspasspy"
"$py" "$here/patch_sdist.py" "$source" "$work/libmseed"
cd "$source"
PATH=$work/env/bin:$PATH \
    pybind11_DIR=$("$py" -m pybind11 --cmakedir) \
    SETUPTOOLS_SCM_PRETEND_VERSION=$MSPASSPY_VERSION \
    "$py" -m pip wheel --no-deps --no-build-isolation --no-cache-dir -w "$work/wheel" .

# Moved into place whole, so that a reader of OUTPUT_DIR never finds half a wheel.
wheel=$(basename "$work"/wheel/mspasspy-*.whl)
cp "$work/wheel/$wheel" "$out/.$wheel.$$"
mv "$out/.$wheel.$$" "$out/$wheel"
echo "== built $out/$wheel"
