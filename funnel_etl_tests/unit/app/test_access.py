"""Who may what: roles, the users file, own webinars, the end of a session."""

from pathlib import Path

import pytest

from funnel_etl.app.access import LOCAL, Person, Role, is_over, is_proved, read_users
from funnel_etl.core.errors import ConfigError


def users(tmp_path: Path, text: str) -> dict[str, Person]:
    path = tmp_path / "users.csv"
    path.write_bytes(text.encode())
    return read_users(path)


def test_a_users_file_as_spreadsheets_write_it(tmp_path: Path) -> None:
    found = users(
        tmp_path,
        "\ufeffemail,roles,conductors,profiles\r\n"
        "Asha@Example.com,Viewer; sales,Host One;Host Two,\r\nb@example.com,engineer,,\r\n",
    )
    assert found["asha@example.com"].roles == {Role.VIEWER, Role.SALES}
    assert found["asha@example.com"].conductors == {"host one", "host two"}
    assert found["b@example.com"].profiles == frozenset()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mail,roles\na@example.com,viewer\n", "it has no column email"),
        ("email,roles\n,viewer\n", "users.csv, line 2: it has no e-mail"),
        ("email,roles\na@example.com,\n", "users.csv, line 2: it has no role"),
        ("email,roles\na@example.com,vewer\n", "there is no role 'vewer' (did you mean 'viewer'?)"),
        ("email,roles\na@example.com,viewer\nA@example.com,sales\n", "an e-mail is there twice"),
        ("email,roles\n\udcff\n".encode("utf-8", "surrogateescape").decode("latin-1"), "it has no e-mail"),
    ],
)
def test_half_a_users_file_lets_nobody_in(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        users(tmp_path, text)
    assert says in str(refused.value)


def test_a_users_file_that_is_not_there_lets_nobody_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it cannot be read: FileNotFoundError"):
        read_users(tmp_path / "users.csv")


def test_an_engineer_may_everything_and_others_what_their_roles_may() -> None:
    seller = Person("s@example.com", frozenset({Role.SALES}))
    assert LOCAL.may([Role.ANALYST])
    assert Person("e@example.com", frozenset({Role.ENGINEER})).may([Role.OPERATOR])
    assert seller.may([Role.SALES, Role.ANALYST])
    assert not seller.may([Role.OPERATOR])
    assert not seller.may([])


def test_webinars_are_limited_where_owners_are_set() -> None:
    own = Person("a@example.com", frozenset({Role.SALES}), frozenset({"host one"}), frozenset({"acca"}))
    assert own.owns("Host One", None)
    assert own.owns(None, "ACCA")
    assert not own.owns("Host Two", "CFA")
    assert not own.owns(None, None)
    assert LOCAL.owns(None, None)


@pytest.mark.parametrize(
    ("since", "over"), [(1000, False), (1000.0 - 3600, False), (999 - 3600, True), (None, True), ("1000", True)]
)
def test_a_session_ends(since: object, over: bool) -> None:
    assert is_over(since, 1000, 1) is over


@pytest.mark.parametrize(
    ("claim", "proved"), [(True, True), ("true", True), (False, False), ("false", False), (None, False)]
)
def test_an_address_counts_only_if_the_provider_says_it_is_theirs(claim: object, proved: bool) -> None:
    assert is_proved(claim) is proved
