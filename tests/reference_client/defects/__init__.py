"""Departures of the client, each with the requirement whose ``negative`` it is."""

from collections.abc import Mapping

from tests.reference_client.defects import agenda, documents, feed, measures, patients
from tests.reference_client.defects.table import Defect

DEFECTS: Mapping[str, Defect] = {
    one.name: one
    for table in (feed.TABLE, measures.TABLE, agenda.TABLE, documents.TABLE, patients.TABLE)
    for one in table
}
"""By name."""
