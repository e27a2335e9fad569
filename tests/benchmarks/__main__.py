"""``python -m tests.benchmarks [--pyrofile PYTHON] [--json]``: measure, and print the table."""

import argparse
import sys
from pathlib import Path

from tests.benchmarks.measures import Sizes, all_rows, as_json


def main() -> int:
    """Print the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--pyrofile", type=Path, help="Python of an environment that has pyrofile-validator")
    parser.add_argument("--pyrofile-package", type=Path, action="append", default=[], help="Unpacked package for it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = all_rows(Sizes(), arguments.pyrofile, arguments.pyrofile_package)
    if arguments.json:
        print(as_json(rows))
    else:
        print("| what | measured | target | | made of |\n|---|---|---|---|---|")
        for row in rows:
            print(f"| {row.name} | {row.value} | {row.target} | {'yes' if row.holds else 'NO'} | {row.detail} |")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
