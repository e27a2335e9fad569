"""The command: ``python -m tests.reference_client [ACTION] [--base URL] [--defect NAME]``, or ``--list-defects``."""

import argparse
import sys
from collections.abc import Callable, Mapping

import httpx

from tests.reference_client import agenda, documents, measures, patients
from tests.reference_client.defects import DEFECTS
from tests.reference_client.service import Departure, Refused, Renewal, Service
from tests.reference_client.task import Task, from_environment

ACTIONS: Mapping[str, Callable[[Service, Task], None]] = {
    "feed": measures.feed,
    "feed-and-read": measures.feed_and_read,
    "read-all": measures.read_all,
    "read-last": measures.read_last,
    "create-professional": agenda.create_professional,
    "change-professional": agenda.change_professional,
    "delete": agenda.remove,
    "create-calendar": agenda.create_calendar,
    "change-calendar": agenda.change_calendar,
    "add-period": agenda.add_period,
    "change-period": agenda.change_period,
    "remove-period": agenda.remove_period,
    "find-slots": agenda.find_slots,
    "book": agenda.book,
    "ask": agenda.ask,
    "declare": agenda.declare,
    "cancel": agenda.cancel,
    "move": agenda.move,
    "list-appointments": agenda.list_appointments,
    "publish": documents.publish,
    "publish-simply": documents.publish_simply,
    "replace": documents.replace,
    "add-to-folder": documents.add_to_folder,
    "find-documents": documents.find_documents,
    "find-sets": documents.find_sets,
    "retrieve": documents.retrieve,
    "archive": documents.archive,
    "depublish": documents.depublish,
    "hide": documents.hide,
    "check-record": documents.check_record,
    "find-in-record": documents.find_in_record,
    "register": patients.register,
}


def main(arguments: list[str]) -> int:
    """Do one task. Returns 0 when it was done, 1 when the server refused it, 2 for a task that is not known."""
    parser = argparse.ArgumentParser(prog="reference-client", description=__doc__)
    parser.add_argument("action", nargs="?", default="")
    parser.add_argument("--base", default="", help="address of the service; by default that of the harness's step")
    parser.add_argument("--defect", default="", choices=["", *DEFECTS], metavar="NAME", help="depart in this one way")
    parser.add_argument("--token-url", default="", help="where new tokens are had; with --client-id, --refresh-token")
    parser.add_argument("--client-id", default="")
    parser.add_argument("--refresh-token", default="")
    parser.add_argument("--list-defects", action="store_true")
    given = parser.parse_args(arguments)
    if given.list_defects:
        for known in DEFECTS.values():
            print(f"{known.name:36} {known.requirement:16} {known.summary}")
        return 0
    task = from_environment(given.action, given.base)
    if task.action not in ACTIONS:
        parser.error(f"there is no action {task.action!r}; there are: {', '.join(ACTIONS)}")
    departure = DEFECTS[given.defect].departure if given.defect else Departure()
    renewal = Renewal(given.token_url, given.client_id, given.refresh_token) if given.refresh_token else None
    try:
        with Service(task.base, task.credentials, task.action, departure, renewal) as service:
            ACTIONS[task.action](service, task)
    except Refused as refusal:
        print(f"not done: {refusal}", file=sys.stderr)
        return 1
    except httpx.HTTPError as failure:
        print(f"not done: {task.base}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
