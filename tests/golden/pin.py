"""Pin the results of the golden cases again: ``python tests/golden/pin.py [--since REF] [CASE ...]``.

Refuses, and writes nothing, where a result changed and its revision is not higher than at REF (default: HEAD, the last
commit). After a merge of branches that each raised a revision, one raise since they left is enough: REF is the commit
that they left from.
"""

import argparse
import json
import sys

from all_cases import CASES
from pinning import PINS, ROOT, difference, pins, refusal, revision, revisions_in_code, shown

RELATIVE = str(PINS.relative_to(ROOT))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names of cases; default all")
    parser.add_argument("--since", default="HEAD", metavar="REF", help="commit that revisions must be higher than at")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.cases) - {case.name for case in CASES})
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(case.name for case in CASES)}")
    if shown(options.since, "pyproject.toml") is None:
        parser.error(f"--since {options.since}: git knows no such commit here")
    before = json.loads(shown("HEAD", RELATIVE) or "{}")
    after = _frame(pins())
    refused = []
    for case in CASES:
        if options.cases and case.name not in options.cases:
            continue
        entry, edge = case.pinned()
        if edge < case.margin:
            refused.append(
                f"{case.name}: a number lies {edge:.1e} of a step from where rounding changes: alter the input"
            )
        old = before.get(case.constant, {}).get("cases", {}).get(case.name)
        what = difference(old, entry)
        now, then = revision(case.constant), revision(case.constant, options.since)
        if why := refusal(case, what, now, then, options.since):
            refused.append(why)
        after[case.constant]["cases"][case.name] = entry
        print(f"{case.name:48} {case.constant:48} {what or 'as before'}")
    if refused:
        print("\nnothing pinned:", *refused, sep="\n  ", file=sys.stderr)
        print(
            "after a merge of branches that raised it, once is enough: --since the commit that they left from",
            file=sys.stderr,
        )
        return 1
    PINS.write_text(json.dumps(after, indent=1, sort_keys=True) + "\n")
    print(f"\npinned in {RELATIVE}; commit it with the change")
    return 0


def _frame(known: dict) -> dict:
    """Every revision of the code with the pins of its cases that still exist."""
    return {
        constant: {
            "revision": value,
            "cases": {
                case.name: known[constant]["cases"][case.name]
                for case in CASES
                if case.constant == constant and case.name in known.get(constant, {}).get("cases", {})
            },
        }
        for constant, value in revisions_in_code().items()
    }


if __name__ == "__main__":
    sys.exit(main())
