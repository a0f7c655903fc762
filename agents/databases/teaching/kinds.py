"""The kinds of question that a table can be asked: an example of each, and the parts of its query.

A kind says what its query shows and how it sorts, and which parts of a table fill it. `facts.py`
fills it with everything that fits; `questions_en.toml` and `questions_zh.toml` word it.

    Kind("total_by", question, sql, fills=(MEASURE, CATEGORY), shows=(CATEGORY, "total"), ...)

asks for each number (likes, shares) and each category (account, topic) of a table: "Which account
has the most likes?". Where a VALUE fills it, only the rows with that value count; where a BOUND
does, only those with a larger number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# What fills a kind. Each is tried with everything that the table has of it.
MEASURE = "measure"  # a number to add up or compare: likes
CATEGORY = (
    "category"  # a column of few values, also of a table that a foreign key leads to: account
)
OWN_CATEGORY = "own category"  # only a column of the table itself
COUNTED_CATEGORY = (
    "counted category"  # one whose values several rows share, so counting makes sense
)
LISTED_CATEGORY = "listed category"  # the same, only of the table itself
VALUE = "value"  # one of the category's: Lumen Lights
BOUND = "bound"  # a round number with values on both sides: 500
SIZE = "size"  # how many rows are wanted: 3
TIME = "time"  # when a row happened
TIME_OF_DAY = "time of day"  # the same, where hours are known

# What a query shows, beside a MEASURE and a CATEGORY.
ROWS = "rows"  # their number
CATEGORIES = "categories"  # the number of different values
TITLE = "title"  # the text and categories that a row is known by
OTHER_TITLE = "other title"  # the same without the category that is asked for
TOTAL, AVERAGE, LARGEST, SMALLEST = "total", "average", "largest", "smallest"  # of a measure
DAY, HOUR = "day", "hour"

# How a result is sorted.
FALLING = "falling"  # by the figure shown last, the largest first
RISING = "rising"  # by the figure shown last, the smallest first
BY_NAME = "by name"  # by what is shown first


@dataclass(frozen=True)
class Kind:
    """`question` and `sql` are an example: one of its wordings and its query in SQLite."""

    name: str
    question: str
    sql: str
    fills: Sequence[str] = ()
    shows: Sequence[str] = ()
    sort: str = ""
    limit: int = 0

    def about(self, *fills: str) -> bool:
        return any(fill in self.fills for fill in fills)

    def has(self, *parts: str) -> bool:
        return any(part in self.shows for part in parts)


KINDS = (
    # how many rows
    Kind(
        "count",
        "How many posts do we have?",
        "SELECT COUNT(*) AS posts FROM ads_summary",
        shows=[ROWS],
    ),
    # the values of a category, and the rows of each
    Kind(
        "values",
        "List all the accounts",
        "SELECT DISTINCT account FROM ads_summary ORDER BY account",
        fills=[OWN_CATEGORY],
        shows=[CATEGORY],
        sort=BY_NAME,
    ),
    Kind(
        "count_values",
        "How many different accounts do we have?",
        "SELECT COUNT(DISTINCT account) AS publishers FROM ads_summary",
        fills=[OWN_CATEGORY],
        shows=[CATEGORIES],
    ),
    Kind(
        "count_by",
        "How many posts does each account have?",
        "SELECT account, COUNT(*) AS posts FROM ads_summary GROUP BY account ORDER BY posts DESC",
        fills=[COUNTED_CATEGORY],
        shows=[CATEGORY, ROWS],
        sort=FALLING,
    ),
    Kind(
        "count_where",
        "How many posts does Lumen Lights have?",
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE account = 'Lumen Lights'",
        fills=[COUNTED_CATEGORY, VALUE],
        shows=[ROWS],
    ),
    Kind(
        "rows_where",
        "List all posts by Lumen Lights",
        "SELECT desc FROM ads_summary WHERE account = 'Lumen Lights'",
        fills=[LISTED_CATEGORY, VALUE],
        shows=[OTHER_TITLE],
    ),
    # one figure of a measure
    Kind(
        "total",
        "How many likes in total?",
        "SELECT SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary",
        fills=[MEASURE],
        shows=[TOTAL],
    ),
    Kind(
        "average",
        "How many likes does a post have on average?",
        "SELECT ROUND(AVG(CAST(star AS INTEGER)), 2) AS likes FROM ads_summary",
        fills=[MEASURE],
        shows=[AVERAGE],
    ),
    Kind(
        "largest",
        "What is the highest number of likes?",
        "SELECT MAX(CAST(star AS INTEGER)) AS likes FROM ads_summary",
        fills=[MEASURE],
        shows=[LARGEST],
    ),
    Kind(
        "smallest",
        "What is the lowest number of likes?",
        "SELECT MIN(CAST(star AS INTEGER)) AS likes FROM ads_summary",
        fills=[MEASURE],
        shows=[SMALLEST],
    ),
    # the rows with the most or the least of a measure
    Kind(
        "top",
        "Show the posts with the most likes",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary ORDER BY likes DESC",
        fills=[MEASURE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
    ),
    Kind(
        "top_one",
        "Which post has the most likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary "
        "ORDER BY likes DESC LIMIT 1",
        fills=[MEASURE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
        limit=1,
    ),
    Kind(
        "bottom_one",
        "Which post has the fewest likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary "
        "ORDER BY likes LIMIT 1",
        fills=[MEASURE],
        shows=[TITLE, MEASURE],
        sort=RISING,
        limit=1,
    ),
    Kind(
        "top_n",
        "Show the top 3 posts by likes",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary "
        "ORDER BY likes DESC LIMIT 3",
        fills=[MEASURE, SIZE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
    ),
    Kind(
        "top_where",
        "Which post by Lumen Lights has the most likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary "
        "WHERE account = 'Lumen Lights' ORDER BY likes DESC LIMIT 1",
        fills=[MEASURE, OWN_CATEGORY, VALUE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
        limit=1,
    ),
    Kind(
        "more",
        "Which posts have more than 2000 likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary "
        "WHERE CAST(star AS INTEGER) > 2000 ORDER BY likes DESC",
        fills=[MEASURE, BOUND],
        shows=[TITLE, MEASURE],
        sort=FALLING,
    ),
    Kind(
        "count_more",
        "How many posts have more than 2000 likes?",
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE CAST(star AS INTEGER) > 2000",
        fills=[MEASURE, BOUND],
        shows=[ROWS],
    ),
    # a figure of a measure for each category, or for one value of it
    Kind(
        "total_by",
        "Which account has the most likes?",
        "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary "
        "GROUP BY account ORDER BY likes DESC",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, TOTAL],
        sort=FALLING,
    ),
    Kind(
        "total_by_up",
        "Which account has the fewest likes?",
        "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary "
        "GROUP BY account ORDER BY likes",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, TOTAL],
        sort=RISING,
    ),
    Kind(
        "average_by",
        "Which account has the most likes on average?",
        "SELECT account, ROUND(AVG(CAST(star AS INTEGER)), 2) AS likes FROM ads_summary "
        "GROUP BY account ORDER BY likes DESC",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, AVERAGE],
        sort=FALLING,
    ),
    Kind(
        "total_where",
        "How many likes does Lumen Lights have in total?",
        "SELECT SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary "
        "WHERE account = 'Lumen Lights'",
        fills=[MEASURE, CATEGORY, VALUE],
        shows=[TOTAL],
    ),
    Kind(
        "average_where",
        "How many likes does Lumen Lights get on average?",
        "SELECT ROUND(AVG(CAST(star AS INTEGER)), 2) AS likes FROM ads_summary "
        "WHERE account = 'Lumen Lights'",
        fills=[MEASURE, CATEGORY, VALUE],
        shows=[AVERAGE],
    ),
    Kind(
        "largest_where",
        "What is the highest number of likes of Lumen Lights?",
        "SELECT MAX(CAST(star AS INTEGER)) AS likes FROM ads_summary "
        "WHERE account = 'Lumen Lights'",
        fills=[MEASURE, CATEGORY, VALUE],
        shows=[LARGEST],
    ),
    # a measure over time
    Kind(
        "by_day",
        "Show the likes per day",
        "SELECT SUBSTR(create_time, 1, 10) AS day, SUM(CAST(star AS INTEGER)) AS likes "
        "FROM ads_summary GROUP BY day ORDER BY day",
        fills=[MEASURE, TIME],
        shows=[DAY, TOTAL],
        sort=BY_NAME,
    ),
    Kind(
        "best_day",
        "Which day has the most likes?",
        "SELECT SUBSTR(create_time, 1, 10) AS day, SUM(CAST(star AS INTEGER)) AS likes "
        "FROM ads_summary GROUP BY day ORDER BY likes DESC",
        fills=[MEASURE, TIME],
        shows=[DAY, TOTAL],
        sort=FALLING,
    ),
    Kind(
        "by_hour",
        "Which hour of the day has the most likes?",
        "SELECT SUBSTR(create_time, 12, 2) AS hour_of_day, SUM(CAST(star AS INTEGER)) AS likes "
        "FROM ads_summary GROUP BY hour_of_day ORDER BY likes DESC",
        fills=[MEASURE, TIME_OF_DAY],
        shows=[HOUR, TOTAL],
        sort=FALLING,
    ),
)
