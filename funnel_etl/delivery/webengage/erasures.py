"""What asks WebEngage to erase a user. Pure; section 1 and 7.4."""

import uuid
from datetime import datetime

from funnel_etl.delivery.contracts import ERASURE, WEBENGAGE
from funnel_etl.delivery.keys import canonical, delivery_key, request_id
from funnel_etl.delivery.rows import Delivery, erasure


def erasure_of(account: str, user_id: str, now: datetime) -> Delivery:
    """Return the planned erasure of a user of an account: the same row whenever it is asked for."""
    key = delivery_key((WEBENGAGE, account, ERASURE, user_id))
    content = {
        "subject_request_id": str(uuid.UUID(hex=request_id(key), version=4)),
        "subject_request_type": "erasure",
        "subject_identities": [{"identity_type": "cuid", "identity_value": user_id}],
    }
    return erasure(WEBENGAGE, account, key, user_id, canonical(content), now)
