"""The vectors of the design: a key that moves would fire every event again."""

import pytest

from funnel_etl.delivery.keys import batch_request_id, canonical, event_key, request_id, sha256_hex, user_key

ATTENDED = "94ce46c351ffad82df3d61b962eaca5f7b77f6bd61c7bb31594d1fb3401382e9"
REGISTERED = "60944d2e7370f63d39f5cdd2614db1e451bcd283a950787595b6b6cb7d1f8edd"
USER = "46cc71d01f2e08e5995aaf81cfeea4dfa9d2987a3b3cc34b4ebf0dbbd5514b47"
PROFILE = (
    '{"email":"asha@example.org","emailOptIn":true,"firstName":"Asha","lastName":"Rao","phone":"+919876512345",'
    '"rcsOptIn":false,"smsOptIn":false,"userId":"919876512345","whatsappOptIn":true}'
)


@pytest.mark.parametrize(("kind", "key"), [("attended", ATTENDED), ("registered", REGISTERED)])
def test_an_event_has_the_key_of_the_vector(kind: str, key: str) -> None:
    parts = f"webengage\nin~demo\nevent\n{kind}\n81200002006-20261120T1900\n919876512345"
    assert event_key(parts, 1) == key
    assert event_key(parts, 2) != key
    assert request_id(key) == key[:32]


def test_a_user_s_first_update_has_the_key_of_the_vector_and_a_later_one_the_count() -> None:
    parts = f"webengage\nin~demo\nuser\n919876512345\n{sha256_hex(PROFILE)}"
    assert user_key(parts, 0) == USER
    assert user_key(parts, 1) == sha256_hex(f"{parts}\n1")


def test_the_profile_is_canonical_json_of_the_vector() -> None:
    content = {"whatsappOptIn": True, "userId": "919876512345", "smsOptIn": False, "rcsOptIn": False}
    content |= {"phone": "+919876512345", "lastName": "Rao", "firstName": "Asha", "emailOptIn": True}
    assert canonical(content | {"email": "asha@example.org"}) == PROFILE
    assert sha256_hex(PROFILE) == "c5ae13ee73d303079a5028bdcfb0993be3d50e8fc5466d565a3ec9da1181cfcd"


def test_a_new_request_id_is_of_the_key_and_how_often_it_was_given_one() -> None:
    assert request_id(ATTENDED, 1) == sha256_hex(f"{ATTENDED}\n1")[:32]
    assert len({request_id(ATTENDED, n) for n in range(4)}) == 4


def test_a_bulk_request_is_known_by_its_keys_in_their_order() -> None:
    assert batch_request_id([ATTENDED, USER]) == sha256_hex(f"{ATTENDED}\n{USER}")[:32]
    assert batch_request_id([ATTENDED, USER]) != batch_request_id([USER, ATTENDED])


def test_text_stays_as_it_is() -> None:
    assert canonical({"b": "आशा ₹", "a": [1, 2.5, True]}) == '{"a":[1,2.5,true],"b":"आशा ₹"}'
