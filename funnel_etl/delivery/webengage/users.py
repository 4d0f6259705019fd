"""Who is sent as a user: a row per person with an event that is due, or of whom a statement is known. Pure."""

from collections.abc import Iterator

import pandas as pd

from funnel_etl.core.config_delivery import USER
from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.values.text import map_unique
from funnel_etl.delivery.candidates_contract import REPEATABLE
from funnel_etl.delivery.keys import sha256_hex
from funnel_etl.delivery.webengage import payloads, reasons, rules
from funnel_etl.delivery.webengage.contracts import CHANNELS, SUPPRESSED, UNKNOWN
from funnel_etl.delivery.webengage.keys import user_parts
from funnel_etl.delivery.webengage.rows import ON, Night, as_candidates, payload_columns

_NOT_OF_USERS = ("occurrence_id", "webinar_id", "event_name", "profile")


def users_of(people: pd.DataFrame, night: Night) -> pd.DataFrame:
    """Return a row per user, with the columns of `ops.delivery_candidates` and `cut`.

    `people`: the events, with `reason` and what holds on each channel. One without an event that is due is sent only
    if it was delivered before: so that what somebody says later reaches the profile that is there.
    """
    known = people[people["user_id"].notna()]
    is_said = (known[list(ON.values())] != UNKNOWN).any(axis=1)
    wanted = known.loc[known["reason"].isna() | is_said, "user_id"].unique()
    known = known[known["user_id"].isin(wanted)].sort_values(
        ["started_at", "kind", *TRACE], ascending=[True, False, True, True], kind="stable"
    )
    users = _newest(known)
    due = known[known["reason"].isna()]
    users["is_due"] = users.index.isin(due["user_id"])
    users["is_opted_out"] = users.index.isin(due.loc[due["unknown_consent"].eq(rules.OPTED_OUT), "user_id"])
    users["reason"] = pd.Series(reasons.SUPPRESSED, index=users.index, dtype="str").where(
        (users[list(ON.values())] == SUPPRESSED).all(axis=1)
    )
    made = dict(_payloads(users[users["reason"].isna()], night))
    users = users.drop(columns=["payload", "attribute_types", "refused", "cut"]).join(
        payload_columns(made, users.index)
    )
    users["reason"] = users["reason"].fillna(users["refused"])
    rows = (
        users.rename_axis("user_id")
        .reset_index()
        .assign(kind=USER, effect=REPEATABLE, only_after_delivery=~users["is_due"].to_numpy(dtype=bool))
    )
    rows[list(_NOT_OF_USERS)] = None
    rows[["started_at", "event_date", "first_day", "last_day"]] = pd.NaT
    rows["key_parts"] = user_parts(night.account, rows["user_id"], map_unique(rows["payload"], sha256_hex))
    return as_candidates(rows, USER, night.account).assign(cut=rows["cut"])


def _newest(known: pd.DataFrame) -> pd.DataFrame:
    """Return the newest row of each user, with the newest of each name there is. Index: user_id."""
    rows = known.drop_duplicates("user_id", keep="last").set_index("user_id")
    named = known[known["first_name"].notna()].drop_duplicates("user_id", keep="last").set_index("user_id")
    last = known.groupby("user_id")[["user_name", "email"]].last()
    of_names = named[["first_name", "last_name"]].reindex(rows.index)
    rows = rows.drop(columns=[*of_names, *last]).join(of_names).join(last)
    rows["first_name"] = rows["first_name"].fillna(rows["user_name"])
    return rows


def _payloads(users: pd.DataFrame, night: Night) -> Iterator[tuple[str, payloads.Payload]]:
    """Yield each user's payload. Flags are left out only where nothing is known and the rule says so."""
    attributes = payloads.attributes_of(night.config.table("delivery_attributes"), USER, None)
    values = payloads.valued(users, attributes, night.zone)
    fields = users[["first_name", "last_name", "email"]].astype("object")
    fields = fields.where(fields.notna(), None)
    states = users[list(ON.values())].itertuples(index=False, name=None)
    for user_id, (first, last, email), held, is_opted_out, own in zip(
        users.index, fields.itertuples(index=False, name=None), states, users["is_opted_out"], values, strict=True
    ):
        is_omitted = set(held) == {UNKNOWN} and not is_opted_out
        flags = {} if is_omitted else payloads.opt_ins(dict(zip(CHANNELS, held, strict=True)))
        named = {"firstName": first, "lastName": last, "email": email}
        yield user_id, payloads.user(user_id, named, flags, own, attributes)
