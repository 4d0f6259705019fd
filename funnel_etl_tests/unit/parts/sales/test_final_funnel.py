"""Which funnel a sale counts for. Rules: Final funnel (its whole table), Sales (its derivation)."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import MISC, NO_SOURCE, Config
from funnel_etl.parts.sales.contracts import FINAL_FUNNEL_RULES
from funnel_etl.parts.sales.final_funnel import crm_funnel, final_funnel, split_sources

FUNNELS = "funnel\nWebinar\nMeta Ads\nReferral\n"
VALUES = "manual_value,funnel\nInsta DM,meta ads\nmisc please,Other Sources (Miscellaneous)\n"


def text(*values: str | None) -> pd.Series:
    return pd.Series(values, dtype="str")


@pytest.mark.parametrize(
    ("funnel", "manual", "final", "rule"),
    [
        pytest.param(MISC, None, MISC, "crm_funnel", id="misc_without_a_line"),
        pytest.param(MISC, "", MISC, "crm_funnel", id="misc_blank"),
        pytest.param(MISC, "Insta DM", "Meta Ads", "manual_mapped", id="misc_mapped"),
        pytest.param(MISC, " insta  dm ", "Meta Ads", "manual_mapped", id="misc_mapped_case_and_blanks"),
        pytest.param(MISC, "Radio", MISC, "manual_value_unmapped", id="misc_not_mapped"),
        pytest.param(
            " other sources (miscellaneous) ", "Insta DM", "Meta Ads", "manual_mapped", id="misc_in_other_spelling"
        ),
        pytest.param("Webinar", None, "Webinar", "crm_funnel", id="webinar_without_a_line"),
        pytest.param("Webinar", "", "Webinar", "crm_funnel", id="webinar_blank"),
        pytest.param("Webinar", "Insta DM", "Meta Ads", "manual_text_mapped", id="webinar_mapped"),
        pytest.param("Webinar", "Radio", "Webinar", "manual_value_unmapped", id="webinar_not_mapped"),
        pytest.param(MISC, "referral", "Referral", "manual_funnel_name", id="misc_a_funnel_s_own_name"),
        pytest.param("Webinar", " Referral", "Referral", "manual_funnel_name", id="webinar_a_funnel_s_own_name"),
        pytest.param("Webinar", " ", "Webinar", "blank_manual", id="webinar_one_space"),
        pytest.param("Webinar", "\u200b \u00a0", "Webinar", "blank_manual", id="webinar_blanks_nobody_sees"),
        pytest.param(MISC, " ", MISC, "crm_funnel", id="misc_one_space"),
        pytest.param(NO_SOURCE, "Insta DM", "Meta Ads", "manual_text_mapped", id="no_source_mapped"),
        pytest.param("Not Listed", None, "Not Listed", "crm_funnel", id="a_funnel_that_is_not_listed_stays"),
    ],
)
def test_the_final_funnel_is_as_the_table_of_the_rule_says(
    config_of: Callable[..., Config], funnel: str, manual: str | None, final: str, rule: str
) -> None:
    line = "" if manual is None else f's1,"{manual}"\n'
    config = config_of(
        funnels=FUNNELS, manual_value_funnel=VALUES, manual_mapping="sale_id,manual_value\nother,Radio\n" + line
    )
    given = config_of(funnels=FUNNELS)
    crm = crm_funnel(text(funnel), text(""), pd.to_datetime(pd.Series(["2026-11-01"])), given)
    found = final_funnel(text("s1"), crm, config).iloc[0]
    assert (found["final_funnel"], found["final_funnel_rule"]) == (final, rule)
    assert found["final_funnel_rule"] in FINAL_FUNNEL_RULES
    assert (found["manual_mapping"] if isinstance(found["manual_mapping"], str) else "") == (manual or "")


def test_without_any_manual_table_the_crm_s_funnel_stays(config_of: Callable[..., Config]) -> None:
    found = final_funnel(text("s1", "s2"), text("Webinar", MISC), config_of())
    assert found["final_funnel"].tolist() == ["Webinar", MISC]
    assert found["manual_mapping"].isna().all()


def test_no_sales_give_no_funnels(config_of: Callable[..., Config]) -> None:
    config = config_of(funnels=FUNNELS, manual_value_funnel=VALUES, manual_mapping="sale_id,manual_value\ns1,Radio\n")
    assert final_funnel(text(), text(), config).empty
    assert crm_funnel(text(), text(), pd.Series([], dtype="datetime64[us]"), config).empty


MAPPING = """\
    source,funnel,valid_from,valid_to
    FB Form,Meta Ads,,
    Ref,Referral,,
    Portal,Webinar,,2026-10-31
    Portal,Referral,2026-11-01,
    "Delhi, North",Webinar,,
"""


@pytest.mark.parametrize(
    ("given", "sources", "day", "funnel"),
    [
        pytest.param(" meta  ads ", "Ref", "2026-11-01", "Meta Ads", id="the_crm_s_own_goes_first"),
        pytest.param(" Not  Listed ", "Ref", "2026-11-01", "Not Listed", id="a_name_not_listed_is_kept_trimmed"),
        pytest.param("", "Ref", "2026-11-01", "Referral", id="a_blank_cell_is_derived"),
        pytest.param(None, "Ref", "2026-11-01", "Referral", id="an_absent_column_is_derived"),
        pytest.param(" ", "Unknown, Ref; FB Form", "2026-11-01", "Referral", id="the_first_that_maps_wins"),
        pytest.param("", "FB Form|Ref", "2026-11-01", "Meta Ads", id="bars"),
        pytest.param("", "unknown ; fb form", "2026-11-01", "Meta Ads", id="semicolons"),
        pytest.param("", '["Unknown", "Ref"]', "2026-11-01", "Referral", id="json_list"),
        pytest.param("", '["Delhi, North", "Ref"]', "2026-11-01", "Webinar", id="a_comma_inside_a_json_name"),
        pytest.param("", "Delhi, North", "2026-11-01", "Webinar", id="a_source_whose_name_holds_a_comma"),
        pytest.param("", "['Ref', 'FB Form']", "2026-11-01", "Referral", id="a_list_that_is_no_json"),
        pytest.param("", "Portal", "2026-10-31", "Webinar", id="by_sold_date_before"),
        pytest.param("", "Portal", "2026-11-01", "Referral", id="by_sold_date_after"),
        pytest.param("", "Unknown, Other", "2026-11-01", MISC, id="none_maps"),
        pytest.param("", "", "2026-11-01", NO_SOURCE, id="none_there"),
        pytest.param("", None, "2026-11-01", NO_SOURCE, id="column_absent"),
        pytest.param("", " , ; ", "2026-11-01", NO_SOURCE, id="only_separators"),
        pytest.param("", "[]", "2026-11-01", NO_SOURCE, id="empty_json_list"),
        pytest.param("", ", Ref", "2026-11-01", "Referral", id="a_blank_name_before_one_that_maps"),
    ],
)
def test_the_crm_funnel_is_its_own_or_derived_from_the_lead_sources(
    config_of: Callable[..., Config], given: str | None, sources: str | None, day: str, funnel: str
) -> None:
    config = config_of(funnels=FUNNELS, funnel_mapping=MAPPING)
    found = crm_funnel(text(given), text(sources), pd.to_datetime(pd.Series([day])), config)
    assert found.tolist() == [funnel]


def test_each_sale_gets_the_funnel_of_its_own_sources(config_of: Callable[..., Config]) -> None:
    config = config_of(funnels=FUNNELS, funnel_mapping=MAPPING)
    labels = [5, 3, 9]
    found = crm_funnel(
        text("", "Webinar", "").set_axis(labels),
        text("Ref,FB Form", "Ref", "Portal").set_axis(labels),
        pd.Series(pd.to_datetime(["2026-11-01", "2026-11-01", "2026-10-01"]), index=labels),
        config,
    )
    assert found.to_dict() == {5: "Referral", 3: "Webinar", 9: "Webinar"}


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        pytest.param("a", ["a"], id="one"),
        pytest.param(" a , b;c|d ", ["a", "b", "c", "d"], id="all_separators"),
        pytest.param('["a, b", null, " c "]', ["a, b", "c"], id="json"),
        pytest.param('["a", "b', ["a", "b"], id="json_cut_off"),
        pytest.param("", [], id="blank"),
    ],
)
def test_a_cell_of_lead_sources_is_split_into_names(cell: str, names: list[str]) -> None:
    assert split_sources(cell) == names
