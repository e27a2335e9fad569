"""The store: versions, transactions and what outlives it, in every database."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, make_url

from harness.errors import HarnessError, UsageError
from harness.sandbox.databases import beside, database_url, shown
from harness.sandbox.store import Clock, Contained, Entry, Record, Session, Store

TOKEN = {"param": "Patient.gender", "system": "", "code": "other"}
LINK = {"param": "Patient.link", "type": None, "id": "#p1", "url": None, "system": None, "value": None}


def put(session: Session, id_: str, content: str | None = "{}", entry: Entry | None = None) -> Record:
    """Store the next version of ``Patient/id_``."""
    latest = session.current("Patient", id_)
    method = "DELETE" if content is None else "POST" if latest is None else "PUT"
    return session.put(
        "Patient", id_, after=latest, updated=session.now(), method=method, content=content, entry=entry or Entry()
    )


@pytest.fixture
def lasting(database: Callable[[], URL], tmp_path: Path) -> URL:
    """The URL of an empty database that outlives its store."""
    url = database()
    return make_url(f"sqlite:///{tmp_path / 'store.db'}") if url.get_backend_name() == "sqlite" else url


@pytest.fixture
def store(lasting: URL) -> Iterator[Store]:
    """A store in such a database."""
    with closing(Store(lasting)) as opened:
        yield opened


def test_versions_follow_each_other(store: Store) -> None:
    with store.writing() as session:
        made = [put(session, "a", text) for text in ("1", "2", None, "4")]
    with store.reading() as session:
        assert [session.version("Patient", "a", number) for number in range(6)] == [None, *made, None]
        assert session.current("Patient", "a") == made[-1]
        total, found = session.history("Patient", "a", since=None, at=None, count=2, skip=1)
    assert [record.version for record in made] == [1, 2, 3, 4]
    assert (total, found) == (4, [made[2], made[1]])
    assert made[2].deleted


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(store: Store) -> None:
    with store.writing() as session:
        put(session, "before")
    with suppress(ZeroDivisionError), store.writing() as session:
        put(session, "before", '{"later": 1}')
        put(session, "other", entry=Entry({"token": [TOKEN]}))
        raise ZeroDivisionError
    with store.reading() as session:
        assert session.current("Patient", "before").content == "{}"  # type: ignore[union-attr]
        assert session.current("Patient", "other") is None
        assert session.history(None, None, since=None, at=None, count=9, skip=0)[0] == 1


def test_what_is_written_outlives_the_store_and_time_goes_on(lasting: URL) -> None:
    with closing(Store(lasting)) as first, first.writing() as session:
        kept = put(session, "kept")
        ahead = kept.updated + 3_600_000_000
        session.put("Patient", "ahead", after=None, updated=ahead, method="POST", content="{}", entry=Entry())
    with closing(Store(lasting)) as second, second.writing() as session:
        assert session.current("Patient", "kept") == kept
        assert put(session, "kept").updated > ahead


def test_a_store_beside_another_shares_nothing_with_it(lasting: URL) -> None:
    with closing(Store(lasting)) as one, closing(one.beside("measures")) as other:
        with one.writing() as session:
            put(session, "a")
        with other.reading() as session:
            assert session.current("Patient", "a") is None
        with other.writing() as session:
            put(session, "b")
        with one.reading() as session:
            assert session.current("Patient", "b") is None
    with closing(Store(beside(lasting, "measures"))) as again, again.reading() as session:
        assert session.current("Patient", "b") is not None


def test_a_reader_sees_one_state(store: Store) -> None:
    with store.writing() as session:
        put(session, "a")
    with store.reading() as reading:
        assert reading.history(None, None, since=None, at=None, count=9, skip=0)[0] == 1

        def write() -> None:
            with store.writing() as session:
                put(session, "b")

        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert reading.history(None, None, since=None, at=None, count=9, skip=0)[0] == 1
    with store.reading() as reading:
        assert reading.history(None, None, since=None, at=None, count=9, skip=0)[0] == 2


def test_two_processes_do_not_write_at_once(lasting: URL) -> None:
    with closing(Store(lasting)) as one, closing(Store(lasting)) as other:  # as good as two processes: nothing shared
        order, begun = [], threading.Event()

        def write() -> None:
            begun.set()
            with other.writing() as session:
                order.append("second")
                assert session.current("Patient", "a") is not None
                put(session, "a")

        with one.writing() as session:
            writer = threading.Thread(target=write)
            writer.start()
            begun.wait()
            put(session, "a")
            order.append("first")
        writer.join()
        with one.reading() as session:
            assert session.current("Patient", "a").version == 2  # type: ignore[union-attr]
    assert order == ["first", "second"]


def test_contained_resources_go_with_their_container(store: Store) -> None:
    inner = Contained("Practitioner", "p1", {"token": [TOKEN]})
    with store.writing() as session:
        put(session, "a", entry=Entry({"reference": [LINK]}, (inner,)))
        assert _rows(session, "resource") == 2
        put(session, "a", entry=Entry({"reference": [LINK]}, (inner,)))
        assert (_rows(session, "resource"), _rows(session, "token_index"), _rows(session, "reference_index")) == (
            2,
            1,
            1,
        )
        assert session.history(None, None, since=None, at=None, count=9, skip=0)[0] == 2
        put(session, "a", None)
        assert (_rows(session, "resource"), _rows(session, "token_index"), _rows(session, "reference_index")) == (
            1,
            0,
            0,
        )


def _rows(session: Session, table: str) -> int:
    return int(session.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def test_reset_forgets_everything(store: Store) -> None:
    with store.writing() as session:
        put(session, "a", entry=Entry({"token": [TOKEN]}, (Contained("Practitioner", "p1", {"token": [TOKEN]}),)))
    store.reset()
    with store.reading() as session:
        assert [_rows(session, name) for name in ("resource", "version", "token_index")] == [0, 0, 0]


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6000))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_kept_and_indexed(store: Store, text: str) -> None:
    rows = {
        "token": [{**TOKEN, "code": text, "system": text}],
        "string": [{"param": "Patient.name", "value": text, "folded": text}],
        "uri": [{"param": "Patient.url", "value": text}],
        "reference": [{**LINK, "id": text, "url": text, "system": text, "value": text}, {**LINK, "id": f"#{text}"}],
    }
    inner = Contained("Practitioner", text, {})
    with store.writing() as session:
        assert put(session, "any", text, Entry(rows, (inner,))).content == text
    with store.reading() as session:
        assert session.current("Patient", "any").content == text  # type: ignore[union-attr]


@given(moments=st.lists(st.integers(0, 4_102_444_800_000), max_size=20), last=st.integers(0, 4_102_444_800_000_000))
def test_the_clock_only_goes_forward(moments: list[int], last: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock, found = Clock(last), [last]
        for moment in moments:
            patch.setattr("time.time_ns", lambda moment=moment: moment * 1_000_000)
            found.append(clock.now())
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(value % 1000 == 0 for value in found[1:])


@pytest.mark.parametrize("text", ["", "nonsense", "mysql://u:secret@host/db", "oracle://x", "sqlite+aiosqlite:///x.db"])
def test_another_database_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="sqlite:///FILE") as refused:
        Store(text)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database " * 100, encoding="utf-8")
    with pytest.raises(HarnessError, match=r"notes\.txt.*not a database"):
        Store(f"sqlite:///{file}")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="unable to open"):
        Store(f"sqlite:///{tmp_path / 'none' / 'store.db'}")


def test_a_server_that_does_not_answer_is_told_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'fhir-harness[postgresql]'")
    with pytest.raises(HarnessError, match="cannot be used") as refused:
        Store(f"postgresql://harness:secret@/db?host={tmp_path}")
    assert "secret" not in str(refused.value)
    assert os.fspath(tmp_path) in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///%3Amemory%3A"),
        ("sqlite:////var/sandbox.db", "sqlite:////var/sandbox-measures.db"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:***@h/d?options=-csearch_path%3Dmeasures"),
        (
            "postgresql://h/d?options=-cjit%3Doff",
            "postgresql+psycopg://h/d?options=-cjit%3Doff+-csearch_path%3Dmeasures",
        ),
    ],
)
def test_where_a_store_beside_another_is(url: str, expected: str) -> None:
    assert shown(beside(database_url(url), "measures")) == expected
