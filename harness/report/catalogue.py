"""Every report that is one file: its name, how it is rendered, and what the file is called by default."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.engine.results import RunResult
from harness.report import github, har, html, json, junit, requirements_csv, testreport


@dataclass(frozen=True)
class Kind:
    """A kind of report."""

    render: Callable[[RunResult], bytes | Iterator[bytes]]
    file: str


KINDS: Mapping[str, Kind] = {
    "json": Kind(json.render, "report.json"),
    "junit": Kind(junit.render, "junit.xml"),
    "html": Kind(html.render_bytes, "report.html"),
    "har": Kind(har.render, "exchanges.har"),
    "testreport": Kind(testreport.render, "testreport.json"),
    "github": Kind(github.render, "annotations.txt"),
    "csv": Kind(requirements_csv.render, "requirements.csv"),
}
DEFAULT = ("json", "junit", "html")
