"""Run by the Python of another environment: seconds that pyrofile-validator needs for one warm validation.

PYTHON pyrofile_speed.py RESOURCE TIMES [PACKAGE…]
"""

import json
import statistics
import sys
import time
from pathlib import Path

from pyrofile_validator import Validator
from pyrofile_validator.config import ValidatorConfig


def main(file: str, times: str, *packages: str) -> None:
    """Print the median of ``times`` validations of the resource in ``file``, with the profiles of ``packages``."""
    resource = json.loads(Path(file).read_text(encoding="utf-8"))
    validator = Validator(ValidatorConfig(local_package_paths=list(packages)))
    report = validator.validate_resource(resource)
    sys.stderr.write(f"{len(report.issues)} issues\n")
    spent = []
    for _ in range(int(times)):
        begun = time.perf_counter()
        validator.validate_resource(resource)
        spent.append(time.perf_counter() - begun)
    print(statistics.median(spent))


if __name__ == "__main__":
    main(*sys.argv[1:])
