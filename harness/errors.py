"""Every exception that the harness raises on purpose.

HarnessError
├── UsageError          the command line, a candidate file or another input is wrong (exit class 2)
├── DefinitionError     a FHIR definition or package is missing, unsafe or wrong
│   ├── PackageError    a FHIR package cannot be read, or would be unsafe to read
│   └── SnapshotError   a differential does not fit its base
├── FHIRPathError       an expression does not parse, or cannot be evaluated
│   └── FHIRPathValueError  it can be, but not of these values: one is of another type, or there are several
├── FHIRXMLError        an XML document is not the XML of a resource (fhir.xml)
├── TestSetError        a test set or requirement catalogue is wrong: file, line, column
│   ├── InvalidFile         the same, with every problem of a file (suite.problem)
│   └── ExpressionError     a ${…} does not resolve (suite.problem)
├── CandidateError      the candidate could not be reached, or answered something that is not HTTP
├── JournalError        a run's journal cannot be read
│   └── RecordError         a run can no longer be recorded (exit class 4)
└── AcceptanceError     an acceptance file cannot be made, read or trusted
"""


class HarnessError(Exception):
    """Base of all. The message says what happened, where, and what to do.

    ``message_fr`` is the same in French, for errors that become part of a finding; elsewhere it is the message itself.
    """

    def __init__(self, message: str = "", message_fr: str | None = None) -> None:
        super().__init__(message)
        self.message_fr = message if message_fr is None else message_fr


class UsageError(HarnessError):
    """The command line, a candidate file or another input is wrong."""


class DefinitionError(HarnessError):
    """A FHIR definition or package is missing, unsafe or wrong."""


class PackageError(DefinitionError):
    """A FHIR package cannot be read, or would be unsafe to read."""


class SnapshotError(DefinitionError):
    """A differential does not fit its base definition."""


class FHIRPathError(HarnessError):
    """A FHIRPath expression does not parse, or cannot be evaluated."""


class FHIRPathValueError(FHIRPathError):
    """An operator or function of FHIRPath meets values that it is not for: of another type, or several (N1 §4.5)."""


class TestSetError(HarnessError):
    """A test set or requirement catalogue is wrong. The message starts with ``file:line:column``."""

    __test__ = False  # pytest collects names that begin with Test


class CandidateError(HarnessError):
    """The candidate could not be reached, or answered something that is not HTTP."""


class JournalError(HarnessError):
    """A run's journal cannot be read."""


class RecordError(JournalError):
    """A run can no longer be recorded: the disk is full, or its folder is gone."""


class AcceptanceError(HarnessError):
    """An acceptance file cannot be made, read or trusted."""
