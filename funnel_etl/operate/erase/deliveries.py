"""A person in the ledger of deliveries: under which user ids something was, or was to be, sent to them.

What happens to the rows is in `delivery/erasing`; here is who it is about.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from funnel_etl.catalog import PEOPLE
from funnel_etl.core.values.phone import normalise_one, user_ids_of
from funnel_etl.delivery.contracts import WEBENGAGE
from funnel_etl.delivery.erasing import Forgotten, also_sent_as, forget_person
from funnel_etl.delivery.webengage.erasures import erasure_of
from funnel_etl.operate.erase.person import Person

_PHONES = " UNION ".join(f"SELECT {people.phone} AS phone FROM {table}" for table, people in PEOPLE.items())  # noqa: S608
OF_OTHERS = sa.text(f"SELECT phone FROM ({_PHONES}) AS p WHERE phone = ANY(:phones)")  # noqa: S608 - our own texts


def forget_deliveries(connection: sa.Connection, person: Person) -> Forgotten:
    """Forget the person in the ledger; to be called once the published tables are without the person.

    A phone that was corrected since is the person's too, if it stands in no published table: what was sent under it
    holds their e-mail.
    """
    own = user_ids_of(person.phones)
    also = also_sent_as(connection, own, person.emails)
    phones = [phone for user in also if (phone := normalise_one(f"+{user}", frozenset()).phone)]
    also -= user_ids_of(connection.execute(OF_OTHERS, {"phones": phones}).scalars())
    return forget_person(connection, WEBENGAGE, own | also, person.emails, erasure_of, datetime.now(UTC))
