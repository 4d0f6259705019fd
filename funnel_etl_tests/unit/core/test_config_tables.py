"""The tables people edit: what is accepted, how an error reads, and the lookups made from them."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import (
    AS_TYPED,
    MISC,
    NO_SOURCE,
    TABLES,
    Config,
    check_together,
    config_spelling,
    map_sources,
    parse_table,
)
from funnel_etl.core.errors import ConfigError


def text(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


def days(*values: str) -> pd.Series:
    return pd.to_datetime(pd.Series(values))


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_file_is_an_empty_table_with_its_columns(name: str) -> None:
    rows = parse_table(name, None)
    assert len(rows) == 0
    typed = [f"{column}_typed" for column in TABLES[name].model_fields if column in AS_TYPED]
    assert rows.columns.tolist() == [*TABLES[name].model_fields, "line", *typed]


def test_a_row_knows_its_line_and_dates_are_days() -> None:
    rows = parse_table("funnel_mapping", b"source,funnel,valid_from,valid_to\nA,F,2026-11-01,\n\nB,G,,2026-11-30\n")
    assert rows["line"].tolist() == [2, 4]
    assert rows["valid_from"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["2026-11-01", ""]
    assert rows["valid_to"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["", "2026-11-30"]
    assert rows["note"].tolist() == ["", ""], "an optional column may be absent"


@pytest.mark.parametrize(
    ("name", "data", "where", "what"),
    [
        pytest.param(
            "funnel_mapping",
            "source,funnel\nA,F\n ,F\n",
            "config_csv/funnel_mapping.csv",
            "line 3: column 'source': ' ': Value error, must not be blank",
            id="blank_name",
        ),
        pytest.param(
            "funnel_mapping",
            "source\nA\n",
            "config_csv/funnel_mapping.csv",
            "line 1: the column 'funnel' is missing; found source",
            id="missing_column",
        ),
        pytest.param(
            "zoom_profiles",
            "name,type,source_tag\np,webinar,Webinar\n",
            "config_csv/zoom_profiles.csv",
            "line 2: column 'type': 'webinar': Input should be 'webinar_attended', 'registration' or 'bootcamp_dual'",
            id="not_one_of_the_values",
        ),
        pytest.param(
            "funnel_mapping",
            "source,funnel,valid_from\nA,F,soon\n",
            "config_csv/funnel_mapping.csv",
            "line 2: column 'valid_from': 'soon': Input should be a valid date",
            id="no_date",
        ),
        pytest.param(
            "funnels", "funnel\nA,B\n", "config_csv/funnels.csv", "line 2: too many fields for its header", id="ragged"
        ),
        pytest.param(
            "closed_months",
            "month\n2026-10-01\n\n,\n2026-13-01\n",
            "config_csv/closed_months.csv",
            "line 5: column 'month': '2026-13-01'",
            id="line_after_blank_lines",
        ),
    ],
)
def test_an_error_names_file_line_column_value_and_what_was_expected(
    name: str, data: str, where: str, what: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_table(name, data.encode())
    assert raised.value.where == where
    assert raised.value.what.startswith(what)


def test_several_errors_are_counted() -> None:
    with pytest.raises(ConfigError, match=r"line 2.*\(and 1 more\)"):
        parse_table("funnel_mapping", b"source,funnel\n,F\n,G\n")


def test_a_name_is_kept_with_its_white_space_collapsed() -> None:
    """A funnel typed with two blanks would otherwise be a funnel of its own in every report."""
    assert parse_table("funnels", "funnel\n  Meta \u200b Ads \n".encode())["funnel"].tolist() == ["Meta Ads"]


def test_a_manual_value_is_kept_as_typed() -> None:
    rows = parse_table("manual_mapping", b"sale_id,manual_value\n s1 ,  Walk  In \ns2, \n")
    assert rows["manual_value"].tolist() == ["  Walk  In ", " "]
    assert rows["sale_id"].tolist() == ["s1", "s2"]


ALL_EMPTY = {name: parse_table(name, None) for name in TABLES}


def together(**tables: str) -> dict[str, str]:
    frames = ALL_EMPTY | {name: parse_table(name, data.encode()) for name, data in tables.items()}
    return {name: str(error) for name, error in check_together(frames).items()}


def test_tables_that_agree_have_no_errors() -> None:
    found = together(
        funnels="funnel\nWebinar\n",
        funnel_mapping="source,funnel,valid_from,valid_to\n"
        "A, webinar ,,2026-10-31\nA,Other Sources (Miscellaneous),2026-11-01,\n",
        manual_value_funnel="manual_value,funnel\nwalk-in,WEBINAR\n",
    )
    assert found == {}


@pytest.mark.parametrize(
    ("tables", "name", "what"),
    [
        pytest.param(
            {"funnel_mapping": "source,funnel\nA,Webinar\nB,Webinarr\n"},
            "funnel_mapping",
            "config_csv/funnel_mapping.csv: line 3: column 'funnel': 'Webinarr' is not in funnels.csv",
            id="unknown_funnel",
        ),
        pytest.param(
            {"campaign_mapping": "utm_source,funnel\nfb,Meta\n"},
            "campaign_mapping",
            "line 2: column 'funnel': 'Meta'",
            id="unknown_funnel_of_a_campaign",
        ),
        pytest.param(
            {"funnel_mapping": "source,funnel\nA,Webinar\nB,Webinar\n a ,Bootcamp\n"},
            "funnel_mapping",
            "lines 2 and 4 give the same source different values of 'funnel' for the same day",
            id="source_mapped_twice",
        ),
        pytest.param(
            {
                "funnel_mapping": "source,funnel,valid_from,valid_to\nA,Webinar,,2026-10-31\n"
                "A,Bootcamp,2026-10-31,2026-11-30\n"
            },
            "funnel_mapping",
            "lines 2 and 3 give the same source",
            id="mapped_twice_on_the_day_they_share",
        ),
        pytest.param(
            {"manual_mapping": "sale_id,manual_value\ns1,a\ns1,b\n"},
            "manual_mapping",
            "lines 2 and 3 give the same sale_id different values of 'manual_value'",
            id="two_manual_values",
        ),
        pytest.param(
            {"manual_value_funnel": "manual_value,funnel\nwalk-in,Webinar\nWalk-In,Bootcamp\n"},
            "manual_value_funnel",
            "lines 2 and 3 give the same manual_value",
            id="a_manual_value_of_two_funnels",
        ),
    ],
)
def test_tables_that_contradict_are_told_with_their_lines(tables: dict[str, str], name: str, what: str) -> None:
    found = together(funnels="funnel\nWebinar\nBootcamp\n", **tables)
    assert list(found) == [name]
    assert what in found[name]


@pytest.mark.parametrize(
    "mapping",
    [
        pytest.param("A,Webinar,,2026-10-31\nA,Bootcamp,2026-11-01,\n", id="one_after_the_other"),
        pytest.param("A,Webinar,,\na,webinar,,\n", id="the_same_funnel_twice"),
        pytest.param("A,Webinar,2026-01-01,2026-01-31\nA,Bootcamp,2026-03-01,2026-03-31\n", id="with_a_gap"),
    ],
)
def test_a_source_may_have_several_lines_that_do_not_contradict(mapping: str) -> None:
    header = "source,funnel,valid_from,valid_to\n"
    assert together(funnels="funnel\nWebinar\nBootcamp\n", funnel_mapping=header + mapping) == {}


MAPPING = """\
    source,funnel,valid_from,valid_to
    FB Form,Meta ads,,
    Portal,App,,2026-09-30
    Portal,Referral,2026-10-01,2026-10-31
    Call*Back?,Organic,,
"""


@pytest.mark.parametrize(
    ("source", "day", "funnel"),
    [
        pytest.param("FB Form", "2026-11-01", "Meta Ads", id="takes_the_spelling_of_funnels_csv"),
        pytest.param(" fb\u00a0 FORM\u200b", "2026-11-01", "Meta Ads", id="case_blanks_zero_width"),
        pytest.param("Portal", "2026-09-30", "App", id="last_day_is_inside"),
        pytest.param("Portal", "2026-10-01", "Referral", id="first_day_is_inside"),
        pytest.param("Portal", "2026-10-31", "Referral", id="last_day_of_the_second"),
        pytest.param("Portal", "2026-11-01", None, id="no_line_for_that_day"),
        pytest.param("call*back?", "2026-11-01", "Organic", id="star_and_question_mark_are_themselves"),
        pytest.param("callXbacks", "2026-11-01", None, id="and_no_patterns"),
        pytest.param("unknown", "2026-11-01", None, id="unknown"),
        pytest.param(" ", "2026-11-01", NO_SOURCE, id="blank"),
        pytest.param(None, "2026-11-01", NO_SOURCE, id="missing"),
    ],
)
def test_a_source_maps_by_its_own_day(
    config_of: Callable[..., Config], source: str | None, day: str, funnel: str | None
) -> None:
    config = config_of(funnels="funnel\nMeta Ads\nApp\nReferral\nOrganic\n", funnel_mapping=MAPPING)
    assert map_sources(text(source), days(day), config).fillna("").tolist() == [funnel or ""]


def test_sources_keep_their_rows_and_their_order(config_of: Callable[..., Config]) -> None:
    config = config_of(funnels="funnel\nMeta Ads\nApp\nReferral\nOrganic\n", funnel_mapping=MAPPING)
    found = map_sources(
        text("Portal", "FB Form", "Portal").set_axis([9, 4, 7]),
        days("2026-10-05", "2026-10-05", "2026-09-01").set_axis([9, 4, 7]),
        config,
    )
    assert found.to_dict() == {9: "Referral", 4: "Meta Ads", 7: "App"}


def test_without_a_mapping_no_source_maps_and_no_rows_are_no_rows(config_of: Callable[..., Config]) -> None:
    assert map_sources(text("A"), days("2026-11-01"), config_of()).isna().all()
    assert map_sources(text(), days(), config_of(funnel_mapping=MAPPING)).empty


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        pytest.param(" meta  ads ", "Meta Ads", id="known"),
        pytest.param("other sources (MISCELLANEOUS)", MISC, id="residual"),
        pytest.param("Never Heard", "Never Heard", id="unknown_stays"),
    ],
)
def test_a_funnel_takes_the_spelling_of_funnels_csv(config_of: Callable[..., Config], name: str, spelled: str) -> None:
    assert config_spelling(text(name), config_of(funnels="funnel\nMeta Ads\n")).tolist() == [spelled]


@pytest.mark.parametrize(
    ("metrics", "value"),
    [
        pytest.param("", "netAmount", id="no_file"),
        pytest.param("name,value\nrevenue_column, paidAmount \n", "paidAmount", id="said"),
        pytest.param("name,value\nRevenue_Column,paidAmount\n", "paidAmount", id="case_of_the_name_is_free"),
        pytest.param("name,value\nrevenue_column,a\nrevenue_column,b\n", "b", id="the_last_line_holds"),
        pytest.param("name,value\nrevenue_column,\n", "netAmount", id="blank_is_not_said"),
    ],
)
def test_a_metric_is_what_the_team_says_or_its_default(
    config_of: Callable[..., Config], metrics: str, value: str
) -> None:
    assert config_of(metrics=metrics).metric("revenue_column") == value


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("yes", True), (" YES ", True), ("no", False), ("No", False)])
def test_a_switch_is_yes_or_no_and_by_default_on(config_of: Callable[..., Config], value: str, is_on: bool) -> None:
    assert config_of(metrics=f"name,value\nphone_by_email,{value}\n").is_on("phone_by_email") is is_on
    assert config_of().is_on("phone_by_email")


def test_a_switch_that_is_neither_names_its_line() -> None:
    with pytest.raises(ConfigError, match=r"line 2: column 'value': 'off': .*phone_by_email must be yes or no"):
        parse_table("metrics", b"name,value\nphone_by_email,off\n")


def test_placeholders_are_compared_as_digits(config_of: Callable[..., Config]) -> None:
    config = config_of(placeholder_phones="phone,note\n12345 67890,\n+91-9999999999,\n")
    assert config.placeholders == {"1234567890", "9999999999"}


def test_aliases_are_of_one_source(config_of: Callable[..., Config]) -> None:
    config = config_of(column_aliases="source,alias,column\nad_spend,Spend,cost\n TOFU_leads ,Handy,Phone number\n")
    assert config.aliases("tofu_leads") == {"Handy": "Phone number"}


def test_a_mapping_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ConfigError, match="must not be before valid_from"):
        parse_table("funnel_mapping", b"source,funnel,valid_from,valid_to\nFB,App,2026-11-02,2026-11-01\n")
