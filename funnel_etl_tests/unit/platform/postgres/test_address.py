"""The database's address: every password that is written right works, and of one that is not nothing is shown."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn
from sqlalchemy import make_url

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres.address import read_address
from funnel_etl.platform.postgres.database import redacted

SHOWN = "postgresql://u@db.example.org:5433/leads"
PLACE = "PostgreSQL at db.example.org:5433, database leads"
PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1)


def refusal(written: str) -> str:
    """Everything that is said of an address that is refused."""
    with pytest.raises(DatabaseUnavailable) as told:
        read_address(written)
    assert told.value.__suppress_context__ or told.value.__context__ is None
    return f"{told.value} {told.value!r} {told.value.__cause__!r} {redacted(written)}"


@given(PASSWORDS)
@example("p%40ss:w/o?r#d [x]+&=,")
def test_an_encoded_password_arrives_whole_whoever_reads_the_address(password: str) -> None:
    address = read_address(f"postgresql://us%20er:{quote(password, safe='')}@db.example.org:5433/leads")
    assert (address.user, address.password) == ("us er", password)
    assert parse_dsn(address.for_libpq)["password"] == password
    assert make_url(address.for_sqlalchemy).password == password
    assert make_url(address.for_sqlalchemy).username == "us er"
    assert read_address(address.for_sqlalchemy) == address
    assert (address.shown, address.place) == (SHOWN.replace("u@", "us%20er@"), PLACE)
    assert repr(address) == repr(read_address("postgresql://us%20er:other@db.example.org:5433/leads"))


@given(PASSWORDS)
@example("s3cret@home")
@example("s3cret/home")
@example("s3cret#home")
@example("s3cret?home")
@example("s3cret:home")
@example("s3cret%home")
@example("s3cret%40home")
@example("12@34/5678@9012")
@example("@@@@")
def test_a_password_that_is_not_encoded_is_read_as_meant_or_refused_and_never_shown(password: str) -> None:
    written = f"postgresql://u:{password}@db.example.org:5433/leads"
    try:
        address = read_address(written)
    except DatabaseUnavailable:
        # The same words for every address: nothing of this one can be in them.
        assert refusal(written) == refusal("postgresql://a@b@c/d")
        return
    assert address.password in (password, unquote(password))
    assert (address.shown, address.place, redacted(written)) == (SHOWN, PLACE, SHOWN)


@pytest.mark.parametrize(
    ("written", "hosts", "libpq"),
    [
        pytest.param("postgresql://u@h/d", (("h", None),), "postgresql://u@h/d", id="one host"),
        pytest.param("postgresql://[::1]:5/d", (("::1", 5),), "postgresql://[::1]:5/d", id="IPv6"),
        pytest.param(
            "postgresql:///d?host=/run/pg",
            (("/run/pg", None),),
            "postgresql://%2Frun%2Fpg/d",
            id="a socket's folder",
        ),
        pytest.param(
            "postgresql://u@h1:1,h2/d",
            (("h1", 1), ("h2", None)),
            "postgresql://u@h1:1,h2/d?target_session_attrs=read-write",
            id="several hosts: the one that can be written to",
        ),
        pytest.param(
            "postgresql://u@/d?host=h1,h2&port=1,2&target_session_attrs=any",
            (("h1", 1), ("h2", 2)),
            "postgresql://u@h1:1,h2:2/d?target_session_attrs=any",
            id="several hosts as options",
        ),
    ],
)
def test_hosts_are_read_as_libpq_reads_them(written: str, hosts: object, libpq: str) -> None:
    address = read_address(written)
    assert (address.hosts, address.for_libpq) == (hosts, libpq)
    query = make_url(address.for_sqlalchemy).query
    if len(address.hosts) > 1:
        assert query["host"] == ",".join(host for host, _ in address.hosts)


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://u:s3cret@h:port/d",
        "postgresql://u:s3cret@h:99999/d",
        "postgresql://u:s3cret",
        "postgresql://u:s3cret@h/d?sslmode",
        "postgresql://u:s3cret@h/d?host=a&host=b",
        "postgresql://u:s3cret@h1,h2/d?port=1,2,3",
        "postgresql://u:s3cret@h/d#note",
        "postgresql://u:s3 cret@h/d",
        "postgresql://u:s3cret%ff@h/d",
        "postgresql://u:s3cret@h_%/d",
    ],
)
def test_an_address_that_can_be_read_in_two_ways_is_refused(written: str) -> None:
    said = refusal(written)
    assert "the database's address cannot be read" in said
    assert "@ as %40" in said
    assert "s3" not in said
