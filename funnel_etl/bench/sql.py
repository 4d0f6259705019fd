"""The tables of `mart` once more, in DuckDB's SQL: what `transforms` measures and checks our functions against.

Plain, fast SQL as an analyst who knows DuckDB would write it: no row accounting, no ledger. `$as_of` is the night.
Later tables read the earlier ones.
"""

# ruff: noqa: S608 - put together from the texts of this file

_CAME = """
    SELECT a.*, w.event_date, w.started_at, coalesce(a.joined_at, w.started_at) AS came_at
    FROM zoom_attendance a JOIN webinars w USING (occurrence_id) WHERE w.event_date <= $as_of"""

_PEOPLE = f"""
    SELECT phone, bool_or(attended) AS came, min(came_at) FILTER (attended) AS first_attended_at,
           count(*) FILTER (attended) AS attended_count
    FROM ({_CAME}) WHERE phone IS NOT NULL GROUP BY phone"""

_ATTENDED = """
    CASE WHEN people.came THEN 'yes' WHEN NOT people.came THEN 'no' ELSE 'not_found' END AS attended,
    people.first_attended_at, coalesce(people.attended_count, 0) AS attended_count"""

_EVENTS = f"""
    SELECT phone, created_at AS touch_at, created_date AS touch_date, 0 AS stage, utm_source AS source, funnel,
           file_id, source_row, rowid AS place
    FROM tofu_leads WHERE created_date <= $as_of AND phone IS NOT NULL
    UNION ALL BY NAME
    SELECT phone, registered_at AS touch_at, registered_date AS touch_date, 1 AS stage, registration_source AS source,
           funnel, file_id, source_row, rowid AS place
    FROM zoom_registrations WHERE registered_date <= $as_of AND phone IS NOT NULL AND registered_at IS NOT NULL
    UNION ALL BY NAME
    SELECT phone, came_at AS touch_at, event_date AS touch_date, 2 AS stage, registration_source AS source, funnel,
           file_id, source_row, place
    FROM ({_CAME.replace("a.*", "a.*, a.rowid AS place")}) WHERE attended AND phone IS NOT NULL AND came_at IS NOT NULL
    UNION ALL BY NAME
    SELECT phone, assigned_at AS touch_at, assigned_date AS touch_date, 3 AS stage, source, funnel, file_id, source_row,
           rowid AS place
    FROM assigned_leads WHERE assigned_date <= $as_of AND phone IS NOT NULL"""

STAGE = "['lead', 'registration', 'attendance', 'assignment'][stage + 1]"
_TOUCHES = """
    SELECT * REPLACE (list_position(['lead', 'registration', 'attendance', 'assignment'], stage) - 1 AS stage),
           rowid AS place
    FROM touches"""
"""The touches as they stand there, in order of time; `stage` as its number."""


def _per(amount: str, count: str) -> str:
    """Divide an amount that is not negative by a count, half-up to the paisa: `/` and `round` go through doubles."""
    paise = f"({amount} * 100)::HUGEINT"
    return f"((({paise} * 2 + {count}) // nullif({count} * 2, 0))::DECIMAL(18, 0) / 100)::DECIMAL(14, 2)"


ATTRIBUTED_M0 = f"""
WITH rows AS (
    SELECT *, date_trunc('month', assigned_date)::DATE AS month, rowid AS place FROM assigned_leads
    WHERE assigned_date <= $as_of AND phone IS NOT NULL
), placed AS (
    SELECT *, row_number() OVER month_of_phone AS nth, count(*) OVER all_of_it AS assignment_count,
           last_value(employee) OVER all_of_it AS current_employee
    FROM rows
    WINDOW month_of_phone AS (PARTITION BY month, phone ORDER BY assigned_at, place),
           all_of_it AS (PARTITION BY month, phone ORDER BY assigned_at, place
                         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), people AS ({_PEOPLE})
SELECT month, phone, user_id, source, funnel, assigned_at, assigned_date, employee AS first_employee, current_employee,
       assignment_count, {_ATTENDED},
       coalesce(people.first_attended_at < assigned_at, false) AS attended_before_assignment, file_id, source_row
FROM placed LEFT JOIN people USING (phone) WHERE nth = 1 ORDER BY month, phone"""

TOUCHES = f"""
SELECT * EXCLUDE (stage, place), {STAGE} AS stage FROM ({_EVENTS}) AS events
ORDER BY touch_at, events.stage, place"""

ATTRIBUTED_SALES = f"""
WITH people AS ({_PEOPLE}),
firsts AS (
    SELECT phone, touch_at, touch_date, stage, funnel FROM ({_TOUCHES})
    WHERE phone IN (SELECT phone FROM sales)
    QUALIFY row_number() OVER (PARTITION BY phone ORDER BY touch_at, stage, place) = 1
)
SELECT s.sale_id, s.sold_date, s.phone, s.final_funnel, s.final_funnel_rule, s.revenue_inr,
       s.employee_name AS employee, {_ATTENDED},
       coalesce(people.first_attended_at < s.sold_at, false) AS attended_before_sale, m.month AS m0_month,
       m.funnel AS m0_funnel, f.touch_at AS first_touch_at, {STAGE.replace("stage", "f.stage")} AS first_touch_stage,
       f.funnel AS first_touch_funnel, s.sold_date - f.touch_date AS days_to_convert, s.file_id, s.source_row
FROM sales s
LEFT JOIN people USING (phone)
LEFT JOIN firsts f ON f.phone = s.phone
ASOF LEFT JOIN attributed_m0 m ON m.phone = s.phone AND m.assigned_at <= s.sold_at
WHERE s.sold_date <= $as_of AND s.is_counted ORDER BY s.sale_id"""

SPEND_BY_FUNNEL = """
SELECT date_trunc('month', spend_date)::DATE AS month, funnel, coalesce(sum(cost_inr), 0)::DECIMAL(14, 2) AS spend_inr,
       coalesce(sum(impressions), 0)::BIGINT AS impressions, coalesce(sum(clicks), 0)::BIGINT AS clicks
FROM ad_spend WHERE spend_date <= $as_of GROUP BY ALL ORDER BY ALL"""

FUNNEL_FACTS = """
WITH events AS (
    SELECT created_date AS date, funnel, count(*) AS leads, count(*) FILTER (is_first_lead) AS new_leads
    FROM tofu_leads GROUP BY ALL
    UNION ALL BY NAME
    SELECT event_date AS date, r.funnel, count(*) AS registrations
    FROM zoom_registrations r JOIN webinars USING (occurrence_id) GROUP BY ALL
    UNION ALL BY NAME
    SELECT event_date AS date, a.funnel, count(*) AS attendances
    FROM zoom_attendance a JOIN webinars USING (occurrence_id) WHERE attended GROUP BY ALL
    UNION ALL BY NAME
    SELECT assigned_date AS date, funnel, count(*) AS assigned_rows FROM assigned_leads GROUP BY ALL
    UNION ALL BY NAME
    SELECT assigned_date AS date, funnel, count(*) AS m0_assigned, count(*) FILTER (attended = 'yes') AS m0_attended
    FROM attributed_m0 GROUP BY ALL
    UNION ALL BY NAME
    SELECT sold_date AS date, final_funnel AS funnel, count(*) AS sales, sum(revenue_inr) AS revenue_inr
    FROM attributed_sales GROUP BY ALL
    UNION ALL BY NAME
    SELECT spend_date AS date, funnel, sum(cost_inr) AS spend_inr, sum(impressions) AS impressions,
           sum(clicks) AS clicks
    FROM ad_spend GROUP BY ALL
)
SELECT date, funnel, coalesce(sum(COLUMNS(* EXCLUDE (date, funnel))), 0) FROM events WHERE date <= $as_of
GROUP BY date, funnel ORDER BY date, funnel"""

FUNNEL_MONTHLY = f"""
WITH sums AS (
    SELECT date_trunc('month', date)::DATE AS month, funnel, sum(COLUMNS(* EXCLUDE (date, funnel)))
    FROM funnel_facts GROUP BY ALL
), people AS (
    SELECT date_trunc('month', created_date)::DATE AS month, funnel,
           count(DISTINCT coalesce(phone, 'email:' || email, 'row:' || lead_id)) AS distinct_leads
    FROM tofu_leads WHERE created_date <= $as_of GROUP BY ALL
    UNION ALL BY NAME
    SELECT date_trunc('month', event_date)::DATE AS month, r.funnel, count(DISTINCT person_key) AS distinct_registrants
    FROM zoom_registrations r JOIN webinars USING (occurrence_id) WHERE event_date <= $as_of GROUP BY ALL
    UNION ALL BY NAME
    SELECT date_trunc('month', event_date)::DATE AS month, a.funnel, count(DISTINCT person_key) AS distinct_attendees
    FROM zoom_attendance a JOIN webinars USING (occurrence_id) WHERE event_date <= $as_of AND attended GROUP BY ALL
    UNION ALL BY NAME
    SELECT date_trunc('month', assigned_date)::DATE AS month, funnel, count(DISTINCT phone) AS distinct_assigned
    FROM assigned_leads WHERE assigned_date <= $as_of GROUP BY ALL
    UNION ALL BY NAME
    SELECT date_trunc('month', sold_date)::DATE AS month, final_funnel AS funnel,
           count(DISTINCT phone) AS distinct_buyers
    FROM attributed_sales GROUP BY ALL
), counted AS (
    SELECT month, funnel, sum(COLUMNS(* EXCLUDE (month, funnel))) FROM people GROUP BY month, funnel
)
SELECT s.*, coalesce(c.distinct_leads, 0) AS distinct_leads, coalesce(distinct_registrants, 0) AS distinct_registrants,
       coalesce(distinct_attendees, 0) AS distinct_attendees, coalesce(distinct_assigned, 0) AS distinct_assigned,
       coalesce(distinct_buyers, 0) AS distinct_buyers,
       registrations / nullif(leads, 0) AS registration_rate, attendances / nullif(registrations, 0) AS attendance_rate,
       m0_assigned / nullif(leads, 0) AS assignment_rate, sales / nullif(m0_assigned, 0) AS conversion_rate,
       revenue_inr / nullif(spend_inr, 0) AS roas, {_per("spend_inr", "leads")} AS cpl_inr,
       {_per("spend_inr", "attendances")} AS cost_per_attendee_inr, {_per("spend_inr", "sales")} AS cac_inr
FROM sums s LEFT JOIN counted c USING (month, funnel) ORDER BY month, funnel"""

COHORTS = """
WITH sizes AS (SELECT month, funnel, count(*) AS m0_leads FROM attributed_m0 GROUP BY ALL),
dense AS (
    SELECT month, funnel, m0_leads, unnest(range(datediff('month', month, $as_of) + 1)) AS offset_months FROM sizes
), sums AS (
    SELECT m0_month AS month, datediff('month', m0_month, sold_date) AS offset_months, m0_funnel AS funnel,
           count(*) AS sales, sum(revenue_inr) AS revenue_inr
    FROM attributed_sales WHERE m0_month IS NOT NULL GROUP BY ALL
)
SELECT month, offset_months, funnel, m0_leads, coalesce(sales, 0) AS sales, coalesce(revenue_inr, 0) AS revenue_inr,
       last_day((month + to_months(offset_months::INTEGER))::DATE) <= $as_of AS is_mature
FROM dense LEFT JOIN sums USING (month, offset_months, funnel) ORDER BY month, offset_months, funnel"""

ATTRIBUTION = f"""
WITH sold AS (
    SELECT a.sale_id, a.phone, a.sold_date, a.revenue_inr, s.sold_at
    FROM attributed_sales a JOIN sales s USING (sale_id)
), seen AS (
    SELECT * FROM ({_TOUCHES}) WHERE phone IN (SELECT phone FROM sold)
), pairs AS (
    SELECT s.sale_id, s.revenue_inr, t.touch_at, t.touch_date, t.stage, t.funnel, t.file_id, t.source_row,
           s.sold_date - t.touch_date AS days, count(*) OVER (PARTITION BY s.sale_id) AS n,
           row_number() OVER (PARTITION BY s.sale_id ORDER BY t.touch_at, t.stage, t.place) AS touch_number
    FROM sold s JOIN seen t ON t.phone = s.phone AND t.touch_at <= s.sold_at AND s.sold_date - t.touch_date <= 90
), weighed AS (
    SELECT *, (touch_number = 1)::BIGINT AS first_touch, (touch_number = n)::BIGINT AS last_touch, 1::BIGINT AS linear,
           (CASE WHEN touch_number IN (1, n) THEN CASE WHEN n > 2 THEN 2 * (n - 2) ELSE 1 END ELSE 1 END)::BIGINT
               AS position,
           greatest(round_even(1e12 * pow(2, (min(days) OVER (PARTITION BY sale_id) - days) / 7.0), 0)::BIGINT, 1)
               AS time_decay
    FROM pairs
), credits AS (
    UNPIVOT weighed ON first_touch, last_touch, linear, position, time_decay
    INTO NAME model VALUE credit_numerator
), summed AS (
    SELECT *, sum(credit_numerator) OVER (PARTITION BY sale_id, model)::HUGEINT AS total FROM credits
    WHERE credit_numerator > 0
), divided AS (
    SELECT *, ({{units}} * credit_numerator) // total AS share, ({{units}} * credit_numerator) % total AS share_rest,
           ({{paise}} * credit_numerator) // total AS part, ({{paise}} * credit_numerator) % total AS part_rest
    FROM summed
), placed AS (
    SELECT *, {{units}} - sum(share) OVER of_sale AS shares_left, {{paise}} - sum(part) OVER of_sale AS parts_left,
           row_number() OVER (PARTITION BY sale_id, model ORDER BY share_rest DESC, touch_number) AS share_place,
           row_number() OVER (PARTITION BY sale_id, model ORDER BY part_rest DESC, touch_number) AS part_place
    FROM divided WINDOW of_sale AS (PARTITION BY sale_id, model)
), shared AS (
    SELECT sale_id, model, touch_number, funnel, {STAGE} AS touch_stage, touch_at, touch_date,
           (share + (share_place <= shares_left)::BIGINT)::BIGINT AS units, credit_numerator,
           total::BIGINT AS credit_denominator,
           (part + (part_place <= parts_left)::BIGINT)::BIGINT * sign(revenue_inr) AS paise,
           file_id AS touch_file_id, source_row AS touch_source_row
    FROM placed
    UNION ALL BY NAME
    SELECT sale_id, unnest(['first_touch', 'last_touch', 'linear', 'position', 'time_decay']) AS model,
           0 AS touch_number, '(no touch)' AS funnel, 'no touch' AS touch_stage, 1000000000000000000 AS units,
           1 AS credit_numerator, 1 AS credit_denominator, revenue_inr * 100 AS paise
    FROM sold ANTI JOIN pairs USING (sale_id)
)
SELECT * EXCLUDE (units, paise), units::HUGEINT::DECIMAL(38, 0) * 0.000000000000000001::DECIMAL(18, 18) AS credit,
       (paise / 100)::DECIMAL(14, 2) AS revenue_inr
FROM shared ORDER BY sale_id, model, touch_number""".replace("{units}", "1000000000000000000::HUGEINT").replace(
    "{paise}", "coalesce(abs(revenue_inr * 100), 0)::HUGEINT"
)

ATTRIBUTION_BY_FUNNEL = """
WITH credited AS (
    SELECT date_trunc('month', s.sold_date)::DATE AS month, a.model, a.funnel,
           sum(a.credit_numerator / a.credit_denominator) AS credited_sales, sum(a.revenue_inr) AS credited_revenue_inr
    FROM attribution a JOIN attributed_sales s USING (sale_id) GROUP BY ALL
), spent AS (
    SELECT month, funnel, spend_inr, leads,
           unnest(['first_touch', 'last_touch', 'linear', 'position', 'time_decay']) AS model
    FROM funnel_monthly WHERE spend_inr <> 0 OR leads <> 0
)
SELECT month, model, funnel, coalesce(credited_sales, 0) AS credited_sales,
       coalesce(credited_revenue_inr, 0)::DECIMAL(14, 2) AS credited_revenue_inr,
       coalesce(spend_inr, 0)::DECIMAL(14, 2) AS spend_inr, coalesce(leads, 0) AS leads,
       (CASE WHEN coalesce(leads, 0) = 0 THEN coalesce(spend_inr, 0) ELSE 0 END)::DECIMAL(14, 2)
           AS spend_without_lead_inr,
       coalesce(credited_revenue_inr, 0)::DOUBLE / nullif(spend_inr, 0)::DOUBLE AS roas
FROM credited FULL JOIN spent USING (month, model, funnel)
WHERE credited_sales IS NOT NULL OR spend_inr <> 0 ORDER BY month, model, funnel"""

_FIRSTS = {0: "first_lead", 1: "first_registered", 2: "first_attended", 3: "first_assigned", 4: "first_sold"}
_PIVOT = ",\n           ".join(
    f"max({column}) FILTER (stage = {stage}) AS {name}_{told}"
    for stage, name in _FIRSTS.items()
    for column, told in (("touch_at", "at"), ("source", "source"), ("funnel", "funnel"), ("touch_date", "date"))
)

LEAD_JOURNEY = f"""
WITH counted AS (
    SELECT *, rowid AS place FROM sales WHERE is_counted AND sold_date <= $as_of AND phone IS NOT NULL
), events AS (
    {_TOUCHES}
    UNION ALL BY NAME
    SELECT phone, sold_at AS touch_at, sold_date AS touch_date, 4 AS stage, source, final_funnel AS funnel, file_id,
           source_row, place
    FROM counted
), firsts AS (
    SELECT * FROM events QUALIFY row_number() OVER (PARTITION BY phone, stage ORDER BY touch_at, place) = 1
), m0 AS (
    SELECT * FROM events WHERE stage = 3 AND touch_date >= date_trunc('month', $as_of)
    QUALIFY row_number() OVER (PARTITION BY phone ORDER BY touch_at, place) = 1
), untimed AS (
    SELECT phone, arg_min(r.file_id, r.rowid) AS file_id, arg_min(r.source_row, r.rowid) AS source_row
    FROM zoom_registrations r JOIN webinars w USING (occurrence_id)
    WHERE r.registered_at IS NULL AND r.phone IS NOT NULL AND w.event_date <= $as_of GROUP BY phone
), touched AS (
    SELECT * FROM firsts WHERE stage < 4 QUALIFY row_number() OVER (PARTITION BY phone ORDER BY touch_at, stage) = 1
), bought AS (
    SELECT phone, count(*) AS sales, sum(revenue_inr) AS revenue_inr FROM counted GROUP BY phone
), wide AS (
    SELECT phone, max(stage) AS furthest, {_PIVOT}, max(file_id) FILTER (stage = 3) AS given_file,
           max(source_row) FILTER (stage = 3) AS given_row,
           max(file_id) FILTER (stage = 4) AS sold_file, max(source_row) FILTER (stage = 4) AS sold_row
    FROM firsts GROUP BY phone
), people AS (SELECT phone FROM wide UNION SELECT phone FROM untimed)
SELECT p.phone, CASE WHEN p.phone LIKE '+%' THEN p.phone[2:] ELSE '91' || p.phone END AS user_id,
       COLUMNS('^first_(lead|registered|attended|assigned|sold)_(at|source|funnel)$'),
       a.employee AS first_assigned_employee, m.touch_at AS m0_first_at, m.source AS m0_first_source,
       m.funnel AS m0_first_funnel, t.touch_at AS first_touch_at,
       {STAGE.replace("stage", "t.stage")} AS first_touch_stage,
       t.source AS first_touch_source, t.funnel AS first_touch_funnel,
       ['lead', 'registration', 'attendance', 'assignment', 'sale'][greatest(coalesce(w.furthest, 0),
           CASE WHEN u.phone IS NULL THEN 0 ELSE 1 END) + 1] AS stage_reached,
       first_registered_date - first_lead_date AS days_lead_to_registration,
       first_attended_date - first_registered_date AS days_registration_to_attendance,
       first_assigned_date - first_attended_date AS days_attendance_to_assignment,
       first_sold_date - first_assigned_date AS days_assignment_to_sale,
       first_sold_date - t.touch_date AS days_first_touch_to_sale, coalesce(b.sales, 0) AS sales,
       coalesce(b.revenue_inr, 0)::DECIMAL(14, 2) AS revenue_inr,
       coalesce(t.file_id, w.sold_file, u.file_id) AS file_id,
       coalesce(t.source_row, w.sold_row, u.source_row) AS source_row
FROM people p LEFT JOIN wide w USING (phone) LEFT JOIN untimed u USING (phone) LEFT JOIN touched t USING (phone)
LEFT JOIN m0 m USING (phone) LEFT JOIN bought b USING (phone)
LEFT JOIN assigned_leads a ON a.file_id = w.given_file AND a.source_row = w.given_row
ORDER BY p.phone"""

QUALIFIED_LEADS = f"""
WITH came AS (
    SELECT *, rowid_of AS place FROM ({_CAME.replace("a.*", "a.*, a.rowid AS rowid_of, w.topic")})
    WHERE attended AND phone IS NOT NULL
), last AS (
    SELECT *, count(*) OVER (PARTITION BY phone) AS attended_count FROM came
    QUALIFY row_number() OVER (PARTITION BY phone ORDER BY came_at DESC NULLS FIRST, place DESC) = 1
)
SELECT l.phone, j.user_id, j.first_touch_at, j.first_touch_stage, j.first_touch_source, j.first_touch_funnel,
       l.came_at AS last_attended_at, l.event_date AS last_attended_date, l.occurrence_id AS last_occurrence_id,
       l.topic AS last_topic, l.minutes_union AS minutes, l.category, l.conductor, l.source_tag, l.attended_count,
       l.phone IN (SELECT phone FROM assigned_leads WHERE assigned_date <= $as_of AND phone IS NOT NULL) AS is_assigned,
       j.first_assigned_at, $as_of - l.event_date AS days_since_attended, l.file_id, l.source_row
FROM last l JOIN lead_journey j USING (phone) ORDER BY l.phone"""

HANDOVER_GAPS = f"""
WITH came AS (
    SELECT * FROM ({_CAME.replace("a.*", "a.*, a.rowid AS place")}) WHERE attended AND phone IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY phone ORDER BY came_at, place) = 1
), given AS (
    SELECT *, last_value(employee) OVER (PARTITION BY phone ORDER BY assigned_at, rowid
                                         ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS current_employee
    FROM assigned_leads WHERE assigned_date <= $as_of AND phone IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY phone ORDER BY assigned_at, rowid) = 1
), gaps AS (
    SELECT 'attended_not_assigned' AS gap_kind, phone, user_id, event_date AS since_date, NULL AS employee, file_id,
           source_row
    FROM came ANTI JOIN given USING (phone)
    UNION ALL BY NAME
    SELECT CASE WHEN c.phone IS NULL THEN 'assigned_never_attended' ELSE 'assigned_before_attending' END AS gap_kind,
           g.phone, g.user_id, g.assigned_date AS since_date, g.current_employee AS employee, g.file_id, g.source_row
    FROM given g LEFT JOIN came c USING (phone) WHERE c.phone IS NULL OR g.assigned_at < c.came_at
)
SELECT *, $as_of - since_date AS age_days FROM gaps ORDER BY gap_kind, phone"""

EMPLOYEE_SCORECARD = """
WITH bought AS (SELECT DISTINCT m0_month AS month, phone FROM attributed_sales WHERE m0_month IS NOT NULL),
leads AS (
    SELECT m.month, coalesce(m.current_employee, '(no employee)') AS employee, count(*) AS m0_leads,
           count(*) FILTER (m.attended = 'yes') AS m0_attended, count(b.phone) AS m0_converted
    FROM attributed_m0 m LEFT JOIN bought b USING (month, phone) GROUP BY ALL
), sold AS (
    SELECT date_trunc('month', sold_date)::DATE AS month, coalesce(employee, '(no employee)') AS employee,
           count(*) AS sales, coalesce(sum(revenue_inr), 0)::DECIMAL(14, 2) AS revenue_inr
    FROM attributed_sales GROUP BY ALL
), either_way AS (
    SELECT month, employee, coalesce(m0_leads, 0) AS m0_leads, coalesce(m0_attended, 0) AS m0_attended,
           coalesce(m0_converted, 0) AS m0_converted, coalesce(sales, 0) AS sales,
           coalesce(revenue_inr, 0) AS revenue_inr, m0_converted / nullif(m0_leads, 0) AS rate, 1.959963984540054 AS z
    FROM leads FULL JOIN sold USING (month, employee)
), ends AS (
    SELECT *, (rate + z * z / (2 * m0_leads)) / (1 + z * z / m0_leads) AS centre,
           z * sqrt(rate * (1 - rate) / m0_leads + z * z / (4 * m0_leads * m0_leads)) / (1 + z * z / m0_leads) AS reach
    FROM either_way
)
SELECT month, employee, m0_leads, m0_attended, m0_converted, sales, revenue_inr, rate AS conversion_rate,
       CASE WHEN m0_converted = 0 THEN rate ELSE greatest(centre - reach, 0) END AS conversion_low,
       CASE WHEN m0_converted = m0_leads THEN rate ELSE least(centre + reach, 1) END AS conversion_high
FROM ends ORDER BY month, employee"""

WEBINAR_SCORECARD = f"""
WITH came AS (
    SELECT occurrence_id, phone, came_at FROM ({_CAME}) WHERE attended AND phone IS NOT NULL
), given AS (
    SELECT c.occurrence_id, count(DISTINCT c.phone) AS assigned_count
    FROM came c JOIN assigned_leads a ON a.phone = c.phone AND a.assigned_at >= c.came_at
    WHERE a.assigned_date <= $as_of GROUP BY ALL
), bought AS (
    SELECT c.occurrence_id, count(DISTINCT c.phone) AS sold_count, sum(s.revenue_inr) AS revenue_inr
    FROM came c JOIN sales s ON s.phone = c.phone AND s.sold_at >= c.came_at
    WHERE s.sold_date <= $as_of AND s.is_counted GROUP BY ALL
)
SELECT w.occurrence_id, w.webinar_id, w.started_at, w.event_date, w.topic, w.source_tag, w.category, w.conductor,
       w.registered_count, w.attended_count, coalesce(g.assigned_count, 0) AS assigned_count,
       coalesce(b.sold_count, 0) AS sold_count, coalesce(b.revenue_inr, 0)::DECIMAL(14, 2) AS revenue_inr,
       {_per("coalesce(b.revenue_inr, 0)", "w.attended_count")} AS revenue_per_attendee_inr
FROM webinars w LEFT JOIN given g USING (occurrence_id) LEFT JOIN bought b USING (occurrence_id)
WHERE w.event_date <= $as_of ORDER BY w.occurrence_id"""

QUERIES = {
    "attributed_m0": ATTRIBUTED_M0,
    "touches": TOUCHES,
    "attributed_sales": ATTRIBUTED_SALES,
    "spend_by_funnel": SPEND_BY_FUNNEL,
    "funnel_facts": FUNNEL_FACTS,
    "funnel_monthly": FUNNEL_MONTHLY,
    "cohorts": COHORTS,
    "attribution": ATTRIBUTION,
    "attribution_by_funnel": ATTRIBUTION_BY_FUNNEL,
    "lead_journey": LEAD_JOURNEY,
    "qualified_leads": QUALIFIED_LEADS,
    "handover_gaps": HANDOVER_GAPS,
    "employee_scorecard": EMPLOYEE_SCORECARD,
    "webinar_scorecard": WEBINAR_SCORECARD,
}
"""Each table's query, in the order in which they can be run."""
