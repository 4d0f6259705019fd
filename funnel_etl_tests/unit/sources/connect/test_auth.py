import pytest
from pydantic import SecretStr
from requests import PreparedRequest, Request

from funnel_etl.core.errors import ConfigError
from funnel_etl.sources.connect.auth import Auth

CRM = ("FUNNEL_CRM_AUTH", "FUNNEL_CRM_SECRET")
SECRET = "s3cr/t+va lue%"


def prepared(auth: Auth) -> PreparedRequest:
    return Request("GET", "http://crm.test/x?month=2", auth=auth).prepare()


@pytest.mark.parametrize(
    ("kind", "secret", "header", "url"),
    [
        ("none", None, {}, "http://crm.test/x?month=2"),
        ("bearer", "abc", {"Authorization": "Bearer abc"}, "http://crm.test/x?month=2"),
        (" Bearer ", " abc\n", {"Authorization": "Bearer abc"}, "http://crm.test/x?month=2"),
        ("basic", "me:p:w", {"Authorization": "Basic bWU6cDp3"}, "http://crm.test/x?month=2"),
        ("header:X-Api-Key", "abc", {"X-Api-Key": "abc"}, "http://crm.test/x?month=2"),
        ("query:token", "a b&c", {}, "http://crm.test/x?month=2&token=a+b%26c"),
    ],
    ids=["none", "bearer", "bearer with blanks", "basic", "header", "query"],
)
def test_each_kind_of_login_is_put_on_the_request(
    kind: str, secret: str | None, header: dict[str, str], url: str
) -> None:
    request = prepared(Auth.parse(kind, SecretStr(secret) if secret else None, CRM))
    assert dict(request.headers) == header
    assert request.url == url


@pytest.mark.parametrize(
    ("kind", "secret", "says"),
    [
        ("beerer", "abc", "FUNNEL_CRM_AUTH: this is not a kind of login"),
        ("", "abc", "FUNNEL_CRM_AUTH: this is not a kind of login"),
        ("bearer:abc", "abc", "FUNNEL_CRM_AUTH: this is not a kind of login"),
        ("header", "abc", "FUNNEL_CRM_AUTH: header needs a name"),
        ("query:", "abc", "FUNNEL_CRM_AUTH: query needs a name"),
        ("header:X Api", "abc", "not the name of an HTTP header"),
        ("bearer", None, "FUNNEL_CRM_SECRET: FUNNEL_CRM_AUTH is bearer, but the secret is missing"),
        ("bearer", "  ", "the secret is missing"),
        ("basic", "no-colon", "needs a user and a password"),
        ("bearer", "abc\r\nX-Evil: 1", "characters that HTTP cannot carry"),
        ("header:X-Key", "ключ", "characters that HTTP cannot carry"),
    ],
    ids=["unknown", "empty", "secret in kind", "header bare", "query bare", "header name", "missing", "blank",
         "basic", "line break", "not ASCII"],
)  # fmt: skip
def test_a_login_that_cannot_work_is_refused_in_one_line_without_the_secret(
    kind: str, secret: str | None, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Auth.parse(kind, SecretStr(secret) if secret is not None else None, CRM)
    assert "\n" not in str(caught.value)
    assert "Fix: " in str(caught.value)
    assert "abc" not in str(caught.value)


def test_no_repr_shows_the_secret() -> None:
    auth = Auth.parse("bearer", SecretStr(SECRET), CRM)
    assert SECRET not in f"{auth!r} {auth} {[auth]}"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        "next=s3cr%2Ft%2Bva+lue%25",
        "n=s3cr%252Ft%252Bva%2520lue%2525",
        "s3cr/t%2Bva%20lue%25",
        "s3cr%2Ft+va%20lue%25",
    ],
    ids=["plain", "encoded", "encoded twice", "mixed", "plus left as it is"],
)
def test_the_secret_is_found_in_an_address_however_it_is_encoded(text: str) -> None:
    assert Auth.parse("query:t", SecretStr(SECRET), CRM).is_in(f"http://x.test/?{text}")


def test_nothing_is_found_without_a_secret() -> None:
    assert not Auth().is_in("http://x.test/")
