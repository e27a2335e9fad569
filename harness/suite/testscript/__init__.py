"""FHIR TestScript (R4, testscript.html): test sets from scripts and scripts from test sets, for what both can say."""

from harness.suite.testscript.exporting import Exported, export_testset
from harness.suite.testscript.folder import Folder
from harness.suite.testscript.importing import Imported, import_testscript
from harness.suite.testscript.loss import CannotBeSaid, Loss

__all__ = ["CannotBeSaid", "Exported", "Folder", "Imported", "Loss", "export_testset", "import_testscript"]
