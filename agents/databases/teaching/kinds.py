"""The kinds of question that a table can be asked: an example of each, and the parts of its query.

A kind says what its query shows and how it sorts, and which parts of a table fill it. `facts.py`
fills it with everything that fits; `questions_en.toml` and `questions_zh.toml` word it.

    Kind("total_by", question, sql, fills=(MEASURE, CATEGORY), shows=(CATEGORY, "total"), ...)

asks for each number (likes, shares) and each category (account, topic) of a table: "Which account
has the most likes?". Where a VALUE fills it, only the rows with that value count; where a BOUND, a
WINDOW or a WORD does, only those with such a number, time or text.

Numbers, days, months and words to search for stand as marks (N1, D1, M1, T1), see `reading.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# What fills a kind. Each is tried with everything that the table has of it.
MEASURE = "measure"  # a number to add up or compare: likes
# a column of few values, also of a table that a foreign key leads to: account
CATEGORY = "category"
OWN_CATEGORY = "own category"  # only a column of the table itself
# one whose values several rows share, so counting makes sense
COUNTED_CATEGORY = "counted category"
LISTED_CATEGORY = "listed category"  # the same, only of the table itself
VALUE = "value"  # one of the category's: Lumen Lights
BOUND = "bound"  # a comparison with a number: more than 500
SIZE = "size"  # how many rows are wanted: 3
TIME = "time"  # when a row happened
TIME_OF_DAY = "time of day"  # the same, where hours are known
WINDOW = "window"  # some of its days: after March 5
WORD = "word"  # to search for in the table's text

# What a query shows, beside a MEASURE and a CATEGORY.
ROWS = "rows"  # their number
CATEGORIES = "categories"  # the number of different values
TITLE = "title"  # the text and categories that a row is known by
OTHER_TITLE = "other title"  # the same without the category that is asked for
TOTAL, AVERAGE, LARGEST, SMALLEST = "total", "average", "largest", "smallest"  # of a measure
DAY, HOUR, WEEK = "day", "hour", "week"
MOMENT, LAST, FIRST = "moment", "last", "first"  # the time itself, the latest, the earliest

# How a result is sorted.
FALLING = "falling"  # by the figure shown last, the largest first
RISING = "rising"  # by the figure shown last, the smallest first
BY_NAME = "by name"  # by what is shown first


@dataclass(frozen=True)
class Kind:
    """`question` and `sql` are an example: one of its wordings and its query in SQLite.

    `averaged` is the average of the figure over its days.
    """

    name: str
    question: str
    sql: str
    fills: Sequence[str] = ()
    shows: Sequence[str] = ()
    sort: str = ""
    limit: int = 0
    averaged: bool = False

    def about(self, *fills: str) -> bool:
        return any(fill in self.fills for fill in fills)

    def has(self, *parts: str) -> bool:
        return any(part in self.shows for part in parts)

    @property
    def groups(self) -> bool:
        return self.has(CATEGORY, DAY, HOUR, WEEK) and self.name != "values"


KINDS = (
    # how many rows
    Kind(
        "count",
        "How many posts do we have?",
        "SELECT COUNT(*) AS posts FROM ads_summary",
        shows=[ROWS],
    ),
    Kind(
        "rows",
        "List all posts",
        "SELECT desc, account FROM ads_summary",
        shows=[TITLE],
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
        "count_by_up",
        "Which account has the fewest posts?",
        "SELECT account, COUNT(*) AS posts FROM ads_summary GROUP BY account ORDER BY posts",
        fills=[COUNTED_CATEGORY],
        shows=[CATEGORY, ROWS],
        sort=RISING,
    ),
    Kind(
        "count_by_n",
        "Top 3 accounts by posts",
        "SELECT account, COUNT(*) AS posts FROM ads_summary GROUP BY account ORDER BY "
        "posts DESC LIMIT N1",
        fills=[COUNTED_CATEGORY, SIZE],
        shows=[CATEGORY, ROWS],
        sort=FALLING,
    ),
    Kind(
        "count_by_bound",
        "Which accounts have more than 5 posts?",
        "SELECT account, COUNT(*) AS posts FROM ads_summary GROUP BY account HAVING "
        "COUNT(*) > N1 ORDER BY posts DESC",
        fills=[COUNTED_CATEGORY, BOUND],
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
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary ORDER "
        "BY likes DESC LIMIT 1",
        fills=[MEASURE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
        limit=1,
    ),
    Kind(
        "bottom_one",
        "Which post has the fewest likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary ORDER "
        "BY likes LIMIT 1",
        fills=[MEASURE],
        shows=[TITLE, MEASURE],
        sort=RISING,
        limit=1,
    ),
    Kind(
        "top_n",
        "Show the top 3 posts by likes",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary ORDER "
        "BY likes DESC LIMIT N1",
        fills=[MEASURE, SIZE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
    ),
    Kind(
        "bottom_n",
        "Show the 3 posts with the fewest likes",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary ORDER "
        "BY likes LIMIT N1",
        fills=[MEASURE, SIZE],
        shows=[TITLE, MEASURE],
        sort=RISING,
    ),
    Kind(
        "top_where",
        "Which post by Lumen Lights has the most likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary WHERE "
        "account = 'Lumen Lights' ORDER BY likes DESC LIMIT 1",
        fills=[MEASURE, OWN_CATEGORY, VALUE],
        shows=[TITLE, MEASURE],
        sort=FALLING,
        limit=1,
    ),
    Kind(
        "bottom_where",
        "Which post by Lumen Lights has the fewest likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary WHERE "
        "account = 'Lumen Lights' ORDER BY likes LIMIT 1",
        fills=[MEASURE, OWN_CATEGORY, VALUE],
        shows=[TITLE, MEASURE],
        sort=RISING,
        limit=1,
    ),
    Kind(
        "bound",
        "Which posts have more than 2000 likes?",
        "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary WHERE "
        "CAST(star AS INTEGER) > N1 ORDER BY likes DESC",
        fills=[MEASURE, BOUND],
        shows=[TITLE, MEASURE],
        sort=FALLING,
    ),
    Kind(
        "count_bound",
        "How many posts have more than 2000 likes?",
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE CAST(star AS INTEGER) > N1",
        fills=[MEASURE, BOUND],
        shows=[ROWS],
    ),
    Kind(
        "count_bound_where",
        "How many posts by Lumen Lights have more than 200 likes?",
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE account = 'Lumen Lights' AND "
        "CAST(star AS INTEGER) > N1",
        fills=[MEASURE, LISTED_CATEGORY, VALUE, BOUND],
        shows=[ROWS],
    ),
    # a figure of a measure for each category, or for one value of it
    Kind(
        "total_by",
        "Which account has the most likes?",
        "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary GROUP BY "
        "account ORDER BY likes DESC",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, TOTAL],
        sort=FALLING,
    ),
    Kind(
        "total_by_up",
        "Which account has the fewest likes?",
        "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary GROUP BY "
        "account ORDER BY likes",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, TOTAL],
        sort=RISING,
    ),
    Kind(
        "total_by_n",
        "Top 3 accounts by likes",
        "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary GROUP BY "
        "account ORDER BY likes DESC LIMIT N1",
        fills=[MEASURE, CATEGORY, SIZE],
        shows=[CATEGORY, TOTAL],
        sort=FALLING,
    ),
    Kind(
        "total_by_bound",
        "Which accounts have more than 2000 likes?",
        "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary GROUP BY "
        "account HAVING SUM(CAST(star AS INTEGER)) > N1 ORDER BY likes DESC",
        fills=[MEASURE, CATEGORY, BOUND],
        shows=[CATEGORY, TOTAL],
        sort=FALLING,
    ),
    Kind(
        "average_by",
        "Which account has the most likes on average?",
        "SELECT account, ROUND(AVG(CAST(star AS INTEGER)), 2) AS likes FROM "
        "ads_summary GROUP BY account ORDER BY likes DESC",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, AVERAGE],
        sort=FALLING,
    ),
    Kind(
        "average_by_up",
        "Which account has the fewest likes on average?",
        "SELECT account, ROUND(AVG(CAST(star AS INTEGER)), 2) AS likes FROM "
        "ads_summary GROUP BY account ORDER BY likes",
        fills=[MEASURE, CATEGORY],
        shows=[CATEGORY, AVERAGE],
        sort=RISING,
    ),
    Kind(
        "total_where",
        "How many likes does Lumen Lights have in total?",
        "SELECT SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary WHERE account = "
        "'Lumen Lights'",
        fills=[MEASURE, CATEGORY, VALUE],
        shows=[TOTAL],
    ),
    Kind(
        "average_where",
        "How many likes does Lumen Lights get on average?",
        "SELECT ROUND(AVG(CAST(star AS INTEGER)), 2) AS likes FROM ads_summary WHERE "
        "account = 'Lumen Lights'",
        fills=[MEASURE, CATEGORY, VALUE],
        shows=[AVERAGE],
    ),
    Kind(
        "largest_where",
        "What is the highest number of likes of Lumen Lights?",
        "SELECT MAX(CAST(star AS INTEGER)) AS likes FROM ads_summary WHERE account = "
        "'Lumen Lights'",
        fills=[MEASURE, CATEGORY, VALUE],
        shows=[LARGEST],
    ),
    # over time
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
        "worst_day",
        "Which day has the fewest likes?",
        "SELECT SUBSTR(create_time, 1, 10) AS day, SUM(CAST(star AS INTEGER)) AS likes "
        "FROM ads_summary GROUP BY day ORDER BY likes",
        fills=[MEASURE, TIME],
        shows=[DAY, TOTAL],
        sort=RISING,
    ),
    Kind(
        "by_week",
        "Show the likes per week",
        "SELECT STRFTIME('%Y-%W', create_time) AS week, SUM(CAST(star AS INTEGER)) AS "
        "likes FROM ads_summary GROUP BY week ORDER BY week",
        fills=[MEASURE, TIME],
        shows=[WEEK, TOTAL],
        sort=BY_NAME,
    ),
    Kind(
        "by_hour",
        "Which hour of the day has the most likes?",
        "SELECT SUBSTR(create_time, 12, 2) AS hour_of_day, SUM(CAST(star AS INTEGER)) "
        "AS likes FROM ads_summary GROUP BY hour_of_day ORDER BY likes DESC",
        fills=[MEASURE, TIME_OF_DAY],
        shows=[HOUR, TOTAL],
        sort=FALLING,
    ),
    Kind(
        "worst_hour",
        "Which hour of the day has the fewest likes?",
        "SELECT SUBSTR(create_time, 12, 2) AS hour_of_day, SUM(CAST(star AS INTEGER)) "
        "AS likes FROM ads_summary GROUP BY hour_of_day ORDER BY likes",
        fills=[MEASURE, TIME_OF_DAY],
        shows=[HOUR, TOTAL],
        sort=RISING,
    ),
    Kind(
        "daily",
        "How many likes per day on average?",
        "SELECT ROUND(AVG(likes), 2) AS likes FROM (SELECT SUBSTR(create_time, 1, 10) "
        "AS day, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary GROUP BY day) AS "
        "days",
        fills=[MEASURE, TIME],
        shows=[DAY, TOTAL],
        averaged=True,
    ),
    Kind(
        "count_by_day",
        "How many posts were published per day?",
        "SELECT SUBSTR(create_time, 1, 10) AS day, COUNT(*) AS posts FROM ads_summary "
        "GROUP BY day ORDER BY day",
        fills=[TIME],
        shows=[DAY, ROWS],
        sort=BY_NAME,
    ),
    Kind(
        "count_best_day",
        "On which day were the most posts published?",
        "SELECT SUBSTR(create_time, 1, 10) AS day, COUNT(*) AS posts FROM ads_summary "
        "GROUP BY day ORDER BY posts DESC",
        fills=[TIME],
        shows=[DAY, ROWS],
        sort=FALLING,
    ),
    Kind(
        "count_by_week",
        "How many posts were published per week?",
        "SELECT STRFTIME('%Y-%W', create_time) AS week, COUNT(*) AS posts FROM "
        "ads_summary GROUP BY week ORDER BY week",
        fills=[TIME],
        shows=[WEEK, ROWS],
        sort=BY_NAME,
    ),
    Kind(
        "count_by_hour",
        "At which hour of the day are the most posts published?",
        "SELECT SUBSTR(create_time, 12, 2) AS hour_of_day, COUNT(*) AS posts FROM "
        "ads_summary GROUP BY hour_of_day ORDER BY posts DESC",
        fills=[TIME_OF_DAY],
        shows=[HOUR, ROWS],
        sort=FALLING,
    ),
    Kind(
        "count_daily",
        "How many posts are published per day on average?",
        "SELECT ROUND(AVG(posts), 2) AS posts FROM (SELECT SUBSTR(create_time, 1, 10) "
        "AS day, COUNT(*) AS posts FROM ads_summary GROUP BY day) AS days",
        fills=[TIME],
        shows=[DAY, ROWS],
        averaged=True,
    ),
    # the newest and the oldest
    Kind(
        "newest",
        "What is the newest post?",
        "SELECT desc, account, create_time AS published FROM ads_summary ORDER BY "
        "published DESC LIMIT 1",
        fills=[TIME],
        shows=[TITLE, MOMENT],
        sort=FALLING,
        limit=1,
    ),
    Kind(
        "oldest",
        "What is the oldest post?",
        "SELECT desc, account, create_time AS published FROM ads_summary ORDER BY "
        "published LIMIT 1",
        fills=[TIME],
        shows=[TITLE, MOMENT],
        sort=RISING,
        limit=1,
    ),
    Kind(
        "newest_n",
        "Show the 3 newest posts",
        "SELECT desc, account, create_time AS published FROM ads_summary ORDER BY "
        "published DESC LIMIT N1",
        fills=[TIME, SIZE],
        shows=[TITLE, MOMENT],
        sort=FALLING,
    ),
    Kind(
        "oldest_n",
        "Show the 3 oldest posts",
        "SELECT desc, account, create_time AS published FROM ads_summary ORDER BY "
        "published LIMIT N1",
        fills=[TIME, SIZE],
        shows=[TITLE, MOMENT],
        sort=RISING,
    ),
    Kind(
        "newest_where",
        "What is the newest post of Lumen Lights?",
        "SELECT desc, account, create_time AS published FROM ads_summary WHERE account "
        "= 'Lumen Lights' ORDER BY published DESC LIMIT 1",
        fills=[TIME, LISTED_CATEGORY, VALUE],
        shows=[TITLE, MOMENT],
        sort=FALLING,
        limit=1,
    ),
    Kind(
        "oldest_where",
        "What is the oldest post of Lumen Lights?",
        "SELECT desc, account, create_time AS published FROM ads_summary WHERE account "
        "= 'Lumen Lights' ORDER BY published LIMIT 1",
        fills=[TIME, LISTED_CATEGORY, VALUE],
        shows=[TITLE, MOMENT],
        sort=RISING,
        limit=1,
    ),
    Kind(
        "last",
        "When was the latest post published?",
        "SELECT MAX(create_time) AS published FROM ads_summary",
        fills=[TIME],
        shows=[LAST],
    ),
    Kind(
        "first",
        "When was the first post published?",
        "SELECT MIN(create_time) AS published FROM ads_summary",
        fills=[TIME],
        shows=[FIRST],
    ),
    Kind(
        "last_where",
        "When was the latest post of Lumen Lights published?",
        "SELECT MAX(create_time) AS published FROM ads_summary WHERE account = 'Lumen Lights'",
        fills=[TIME, LISTED_CATEGORY, VALUE],
        shows=[LAST],
    ),
    # within some days
    Kind(
        "count_in",
        "How many posts were published after March 5?",
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE SUBSTR(create_time, 1, 10) > 'D1'",
        fills=[TIME, WINDOW],
        shows=[ROWS],
    ),
    Kind(
        "rows_in",
        "Which posts were published after March 5?",
        "SELECT desc, account FROM ads_summary WHERE SUBSTR(create_time, 1, 10) > 'D1'",
        fills=[TIME, WINDOW],
        shows=[TITLE],
    ),
    Kind(
        "total_in",
        "How many likes after March 5?",
        "SELECT SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary WHERE "
        "SUBSTR(create_time, 1, 10) > 'D1'",
        fills=[MEASURE, TIME, WINDOW],
        shows=[TOTAL],
    ),
    Kind(
        "count_where_in",
        "How many posts did Lumen Lights publish after March 5?",
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE account = 'Lumen Lights' AND "
        "SUBSTR(create_time, 1, 10) > 'D1'",
        fills=[LISTED_CATEGORY, VALUE, TIME, WINDOW],
        shows=[ROWS],
    ),
    Kind(
        "total_where_in",
        "How many likes did Lumen Lights get after March 5?",
        "SELECT SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary WHERE account = "
        "'Lumen Lights' AND SUBSTR(create_time, 1, 10) > 'D1'",
        fills=[MEASURE, CATEGORY, VALUE, TIME, WINDOW],
        shows=[TOTAL],
    ),
    # with a word in their text
    Kind(
        "search",
        'Which posts mention "beans"?',
        "SELECT desc, account FROM ads_summary WHERE desc LIKE '%T1%'",
        fills=[WORD],
        shows=[TITLE],
    ),
    Kind(
        "count_search",
        'How many posts mention "beans"?',
        "SELECT COUNT(*) AS posts FROM ads_summary WHERE desc LIKE '%T1%'",
        fills=[WORD],
        shows=[ROWS],
    ),
)
