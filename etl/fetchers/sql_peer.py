"""A read-only connection to somebody else's database, and its failures in words that carry no data.

Nothing is ever committed. Beside that, as far as the dialect can, the session is read-only and a statement has a time
limit (`GUARDS`). What a driver says about a failure may quote values of rows: only what speaks of the statement is
passed on.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from etl.credentials import refuse_userinfo
from etl.errors import ConfigurationError

# driver's module -> what to install; the project locks pg8000 alone
INSTALL = {
    "pg8000": "'radpulse[postgresql]'",
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "cx_Oracle": "oracledb, and write oracle+oracledb:// in the URL",
}
SECRET_KEYS = frozenset({"password", "passwd", "pwd", "user", "username", "uid", "odbc_connect"})
# SQLSTATE classes whose message speaks of the statement, never of a row's values (PostgreSQL manual, appendix A)
TELLING_CLASSES = ("0A", "25", "42")
BROKEN_CLASSES = ("08", "53", "57P")  # connection, resources, shut down or starting
SQLSTATE = re.compile(r"[0-9A-Z]{5}")
TIMED_OUT = frozenset({"57014", "HYT00"})
SQLITE_INTERRUPT, SQLITE_TELLING = 9, (1, 8)  # SQL error, read-only
GRACE_S = 15.0
STEPS = 100_000  # SQLite's virtual machine instructions between two looks at the clock

Guard = Callable[[Any, float, str], None]  # driver's connection, seconds, zone


def _run(connection: Any, *statements: str) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
    connection.commit()


def _postgresql(connection: Any, seconds: float, zone: str) -> None:
    limit = round(seconds * 1000)
    _run(
        connection,
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        f"SET statement_timeout = {limit}",
        f"SET idle_in_transaction_session_timeout = {max(limit, 60_000)}",
        f"SET TIME ZONE '{zone}'",  # a timestamptz cast to timestamp in the query is then the feed's wall clock
    )


def _plain_times(connection: Any, _record: Any) -> None:
    """Read pg8000's time texts as ISO 8601: its own way takes half of a fetch and turns years before Christ about."""
    from pg8000 import converters

    for oid in (converters.TIMESTAMP, converters.TIMESTAMPTZ):
        connection.register_in_adapter(oid, _time)


def _time(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # infinity, a year before the first or of five digits: the border refuses what it is told
        return text


def _mysql(connection: Any, seconds: float, _zone: str) -> None:
    _run(
        connection, "SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_execution_time = {round(seconds * 1000)}"
    )  # fmt: skip


def _mariadb(connection: Any, seconds: float, _zone: str) -> None:
    _run(connection, "SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_statement_time = {seconds}")


def _oracle(connection: Any, seconds: float, _zone: str) -> None:
    connection.call_timeout = round(seconds * 1000)  # milliseconds a round trip


def _mssql(connection: Any, seconds: float, _zone: str) -> None:
    connection.timeout = round(seconds)  # pyodbc: seconds a statement


def _sqlite(connection: Any, seconds: float, _zone: str) -> None:
    _run(connection, "PRAGMA query_only = ON")
    began: list[float] = []

    def over() -> bool:
        began[:] = began or [monotonic()]
        return monotonic() - began[0] > seconds

    connection.set_progress_handler(over, STEPS)
    connection.set_trace_callback(lambda _statement: began.clear())  # each statement has its own time


GUARDS: dict[str, Guard] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mariadb": _mariadb,
    "oracle": _oracle,
    "mssql": _mssql,
    "sqlite": _sqlite,
}
# how a driver is told not to wait for ever for a network that swallows packets
PATIENCE: dict[str, Callable[[float], dict[str, Any]]] = {
    "pg8000": lambda s: {"timeout": s + GRACE_S},
    "psycopg": lambda _s: {"connect_timeout": round(GRACE_S)},
    "psycopg2": lambda _s: {"connect_timeout": round(GRACE_S)},
    "pymysql": lambda s: {"connect_timeout": round(GRACE_S), "read_timeout": round(s + GRACE_S)},
    "oracledb": lambda _s: {"tcp_connect_timeout": GRACE_S},
    "pyodbc": lambda _s: {"timeout": round(GRACE_S)},
}
# the first statement of each transaction, where the session cannot be made read-only
FIRST = {"oracle": "SET TRANSACTION READ ONLY"}


def address(text: str, setting: str, base: Path) -> URL:
    """Return a database's address without credentials; a file's path is taken from `base`, and it is only read.

    Raises ConfigurationError for an address that holds a user or password, or is none.
    """
    refuse_userinfo(text, setting)
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigurationError(f"{setting}: no SQLAlchemy URL such as postgresql+pg8000://host:5432/ris") from None
    if hidden := sorted(key for key in url.query if key.lower() in SECRET_KEYS):
        raise ConfigurationError(f"{setting}: no {', '.join(hidden)} in a URL; use the options user and password")
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith("file:"):
        path = base / url.database
        return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    return url


def engine(url: URL, *, timeout_s: float, zone: str, tls_ca: Path | None = None) -> Engine:
    """Return an engine whose connections are guarded; raises ConfigurationError when the driver is not installed."""
    driver = url.drivername.partition("+")[2]
    patience = PATIENCE.get(driver)
    logging.getLogger("sqlalchemy.pool.impl.NullPool").setLevel(logging.CRITICAL)  # a lost connection is told once
    arguments = patience(timeout_s) if patience else {}
    if driver == "pg8000" and url.password is None:
        arguments["password"] = ""  # pg8000 fails with no error of its own when a server asks for one and there is none
    if tls_ca is not None:
        arguments["ssl_context"] = _trusting(tls_ca, url)
    try:
        made = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    except NoSuchModuleError:
        raise ConfigurationError(f"no dialect {url.drivername!r} is installed; SQLAlchemy lists them") from None
    except ModuleNotFoundError as error:
        name = error.name or url.drivername
        raise ConfigurationError(
            f"{url.drivername} needs the driver {name}, which is not installed; pip install {INSTALL.get(name, name)}"
        ) from None
    _guard(made, timeout_s, zone)
    return made


def _trusting(tls_ca: Path, url: URL) -> ssl.SSLContext:
    if not url.drivername.endswith("+pg8000"):
        raise ConfigurationError(f"fetch.tls_ca is for postgresql+pg8000; {url.drivername} takes its TLS from the URL")
    try:
        return ssl.create_default_context(cafile=str(tls_ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"fetch.tls_ca: {tls_ca} holds no certificates in PEM form") from error


def _guard(made: Engine, timeout_s: float, zone: str) -> None:
    guard = GUARDS.get(made.dialect.name)
    if guard is not None:
        event.listen(made, "connect", lambda connection, _record: guard(connection, timeout_s, zone))
    if made.dialect.driver == "pg8000":
        event.listen(made, "connect", _plain_times)
    if first := FIRST.get(made.dialect.name):
        event.listen(made, "begin", lambda connection: connection.exec_driver_sql(first))


def said(error: DBAPIError, timeout_s: float) -> str:
    """Return one line on a failure, without any value of a row."""
    cause = _cause(error)
    state = _state(cause)
    if state in TIMED_OUT or getattr(cause, "sqlite_errorcode", None) == SQLITE_INTERRUPT:
        return f"a page took longer than {timeout_s:g} s; add an index on (watermark, key), or raise timeout_s"
    if state.startswith(TELLING_CLASSES) or getattr(cause, "sqlite_errorcode", None) in SQLITE_TELLING:
        return f"the database refused the query: {_message(cause)}"
    return f"the database does not answer as it should ({f'SQLSTATE {state}' if state else type(cause).__name__})"


def is_broken(error: DBAPIError) -> bool:
    """Return whether the connection failed, or the server for now, and not the statement: that is worth a retry."""
    state = _state(_cause(error))
    return state.startswith(BROKEN_CLASSES) if state else error.connection_invalidated or _is_interface_error(error)


def _is_interface_error(error: DBAPIError) -> bool:
    return isinstance(error, InterfaceError | OperationalError) and not hasattr(error.orig, "sqlite_errorcode")


def _cause(error: DBAPIError) -> BaseException | None:
    """Return the driver's error: the first with a SQLSTATE where one hid another (pg8000 at a refused log-in)."""
    found: BaseException | None = error.orig
    while found is not None and not _state(found):
        found = found.__context__
    return found or error.orig


def _state(cause: BaseException | None) -> str:
    """Return the SQLSTATE of an error of pg8000, psycopg, psycopg2 or pyodbc; empty without one."""
    first = cause.args[0] if cause is not None and cause.args else None
    if isinstance(first, dict):
        return str(first.get("C", ""))
    found = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or first
    return found if isinstance(found, str) and SQLSTATE.fullmatch(found) else ""


def _message(cause: BaseException | None) -> str:
    first = cause.args[0] if cause is not None and cause.args else None
    text = first.get("M", "") if isinstance(first, dict) else str(cause)
    return " ".join(str(text).split())[:200]
