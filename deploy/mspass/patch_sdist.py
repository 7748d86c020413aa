#!/usr/bin/env python3
"""Edit an unpacked mspasspy source distribution so that it builds from packaged parts, with no download.

Usage: patch_sdist.py MSPASSPY_SOURCE LIBMSEED_PREFIX

LIBMSEED_PREFIX holds libmseed.a and libmseed.h.  README.md beside this file says what is changed and why.  An edit
whose text is not found exactly once stops the build: a new mspasspy release must be looked at by a person.
"""

import sys
from pathlib import Path


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    found = text.count(old)
    if found != 1:
        sys.exit(
            f"patch_sdist: {path}: expected this text once, found it {found} times; "
            f"this release of mspasspy differs from the one the patch was made for:\n{old}"
        )
    path.write_text(text.replace(old, new))


def patch(source: Path, libmseed: Path) -> None:
    for needed in (libmseed / "libmseed.a", libmseed / "libmseed.h", source / "cxx/CMakeLists.txt"):
        if not needed.is_file():
            sys.exit(f"patch_sdist: {needed} is missing")
    cmake = source / "cxx/CMakeLists.txt"

    # Boost: the release of the distribution, as a shared library.
    replace_once(cmake, "set (Boost_USE_STATIC_LIBS ON)", "set (Boost_USE_STATIC_LIBS OFF)")
    replace_once(
        cmake,
        "find_package (Boost 1.86.0 EXACT COMPONENTS serialization)",
        "find_package (Boost 1.74.0 REQUIRED COMPONENTS serialization)",
    )

    # yaml-cpp: packaged configurations name a target and leave the variable empty that the build tests.
    replace_once(
        cmake,
        "find_package (yaml-cpp 0.5.0)\n",
        "find_package (yaml-cpp 0.5.0 REQUIRED)\n"
        "find_path (YAML_CPP_INCLUDE_DIR_FOUND yaml-cpp/yaml.h REQUIRED)\n"
        "set (YAML_CPP_INCLUDE_DIR ${YAML_CPP_INCLUDE_DIR_FOUND})\n"
        "if (NOT YAML_CPP_LIBRARIES)\n"
        "  set (YAML_CPP_LIBRARIES yaml-cpp)\n"
        "endif ()\n",
    )

    # libmseed: the library built beside this one.
    replace_once(
        cmake,
        "include (cmake/mseed.cmake)\n"
        "fetch_mseed (\n"
        "  ${PROJECT_SOURCE_DIR}/cmake\n"
        "  ${PROJECT_BINARY_DIR}/mseed\n"
        "  )\n",
        f'set (MSEED_LIBRARIES "{libmseed / "libmseed.a"}")\nset (MSEED_INCLUDE_DIR "{libmseed}")\n',
    )

    # Python: exactly the interpreter that builds the wheel, and no libpython, which a virtual environment may lack.
    replace_once(
        cmake,
        "find_program(MY_PYTHON_EXECUTABLE NAMES python3 python)",
        'set (Python_EXECUTABLE "${PYTHON_EXECUTABLE}")\nset (MY_PYTHON_EXECUTABLE "${PYTHON_EXECUTABLE}")',
    )
    replace_once(
        cmake,
        "find_package(Python ${MY_PYTHON_VERSION} EXACT COMPONENTS Interpreter Development)",
        "find_package(Python ${MY_PYTHON_VERSION} EXACT REQUIRED COMPONENTS Interpreter Development.Module)",
    )
    replace_once(cmake, "  find_package (pybind11)\n", "  find_package (pybind11 REQUIRED)\n")

    # The C++ tests are not part of the source distribution.
    tests = source / "cxx/test"
    tests.mkdir(exist_ok=True)
    (tests / "CMakeLists.txt").touch()

    # libmseed 3.1 reports the position of a record through the file parameter, no longer through an argument.
    indexer = source / "cxx/src/lib/io/mseed_file_indexer.cc"
    replace_once(
        indexer,
        "    retcode = ms3_readmsr_r(&msfp, &msr, inputfile.c_str(), &fpos, NULL, flags,\n"
        "                            verbose);\n",
        "    retcode = ms3_readmsr_r(&msfp, &msr, inputfile.c_str(), flags, verbose);\n"
        "    if (retcode == MS_NOERROR)\n"
        "      fpos = msfp->streampos - msr->reclen;\n",
    )
    replace_once(
        indexer,
        "ms3_readmsr_r(&msfp, &msr, NULL, NULL, NULL, 0, 0);",
        "ms3_readmsr_r(&msfp, &msr, NULL, 0, 0);",
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    patch(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
