"""A small database of our own making, so that the data agent has something to be asked: `workbench data example`.

Advertising posts with likes kept as text (as exported tables often have them), the materials made of them, and hourly
activations per user and material over two weeks. Seeded: every machine has the same rows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agents.data.introspect import load_schema
from agents.data.notes import add_pair
from agents.data.sources import Source, add_source
from workbench.settings import Settings

NAME = "example"
BEGIN = datetime(2026, 3, 2)
DAYS = 14
ACCOUNTS = ("北礁咖啡", "山雀文具", "Oosterwal Tea", "Vlieree Bikes", "云岭户外", "Marrow Kitchen")
LABELS = ("coffee", "stationery", "tea", "cycling", "camping", "cooking")
TITLES = ("A slow morning", "五分钟早餐", "What we learned on the road", "新品开箱", "Three small habits", "周末去哪儿")
KINDS = ("video", "picture", "article")
USERS = ("u01", "u02", "u03")
SCHEMA = """
create table ads_posts (
    id integer primary key, create_time timestamp, update_time timestamp, title varchar, account varchar,
    label varchar, star varchar, comment integer, collection integer, share integer);
comment on table ads_posts is 'advertising posts, one row each; 广告帖子';
comment on column ads_posts.create_time is 'when it was published; 发布时间';
comment on column ads_posts.update_time is 'when the figures were read; 更新时间';
comment on column ads_posts.title is 'title of the post; 标题';
comment on column ads_posts.account is 'account that published it; 账号';
comment on column ads_posts.label is 'topic label; 标签，话题';
comment on column ads_posts.star is 'likes, stored as text; 点赞数，文本类型';
comment on column ads_posts.comment is 'number of comments; 评论数';
comment on column ads_posts.collection is 'times it was saved, favourites; 收藏数';
comment on column ads_posts.share is 'times it was shared; 分享数，转发数';
create table materials (
    material_id varchar primary key, name varchar, kind varchar, post_id integer references ads_posts (id));
comment on table materials is 'advertising materials, each made of a post; 广告素材';
comment on column materials.name is 'name of the material; 素材名称';
comment on column materials.kind is 'video, picture or article; 类型：视频、图片、图文';
create table hourly_activations (
    hour timestamp, user_id varchar, material_id varchar references materials (material_id), impressions integer,
    activations integer, cost double);
comment on table hourly_activations is 'activations per hour, advertiser and material; 每小时激活数据';
comment on column hourly_activations.hour is 'beginning of the hour; 小时';
comment on column hourly_activations.user_id is 'advertiser; 广告主，用户';
comment on column hourly_activations.impressions is 'times it was shown; 曝光数，展示次数';
comment on column hourly_activations.activations is 'app activations; 激活数';
comment on column hourly_activations.cost is 'money spent, in yuan; 花费，成本，消耗';
"""
LIKES = "SUM(CAST(NULLIF(star, '') AS BIGINT))"
PAIRS = (
    ("Which accounts have the most likes?", "哪些账号的点赞总数最多？",
     f"SELECT account, {LIKES} AS likes FROM ads_posts GROUP BY account ORDER BY likes DESC LIMIT 10"),  # noqa: S608
    ("How many posts does each account have?", "每个账号发了多少篇帖子？",
     "SELECT account, COUNT(*) AS posts FROM ads_posts GROUP BY account ORDER BY posts DESC LIMIT 10"),
    ("Which materials brought the most activations?", "哪些素材带来的激活数最多？",
     "SELECT m.name, SUM(h.activations) AS activations FROM hourly_activations AS h JOIN materials AS m "
     "ON m.material_id = h.material_id GROUP BY m.name ORDER BY activations DESC LIMIT 10"),
    ("How many activations were there per day?", "每天的激活数是多少？",
     "SELECT CAST(hour AS DATE) AS day, SUM(activations) AS activations FROM hourly_activations GROUP BY day "
     "ORDER BY day LIMIT 31"),
    ("What does an activation cost per advertiser?", "每个广告主的单次激活成本是多少？",
     "SELECT user_id, ROUND(SUM(cost) / SUM(activations), 2) AS cost_per_activation FROM hourly_activations "
     "GROUP BY user_id ORDER BY cost_per_activation LIMIT 10"),
)  # fmt: skip


def add_example(settings: Settings, name: str = NAME) -> Source:
    """Make the database in the workspace and add it as a source with its verified pairs. Raises Conflict if it is there."""
    path = settings.folder("data", name) / "ads.duckdb"
    if not path.exists():
        make_database(path)
    source = add_source(settings, name, str(path))
    load_schema(source, settings)
    for english, chinese, sql in PAIRS:
        for question in (english, chinese):
            add_pair(source, settings, question, sql)
    return source


def make_database(path: Path) -> Path:
    """Write the file whole or not at all."""
    import duckdb

    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with duckdb.connect(str(part)) as database:
        database.execute(SCHEMA)
        chance = random.Random(7)  # noqa: S311 – the same rows everywhere
        for table, rows in (("ads_posts", _posts(chance)), ("materials", _materials(chance)),
                            ("hourly_activations", _hours(chance))):  # fmt: skip
            _insert(database, table, list(rows))
    part.replace(path)
    return path


def _insert(database: Any, table: str, rows: list[tuple[Any, ...]]) -> None:
    import pandas

    frame = pandas.DataFrame(rows)
    database.register("rows", frame)
    database.execute(f"insert into {table} select * from rows")  # noqa: S608 – our own names
    database.unregister("rows")


def _posts(chance: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(1, 241):
        which = chance.randrange(len(ACCOUNTS))
        created = BEGIN + timedelta(hours=chance.randrange(DAYS * 24))
        liked = int(chance.lognormvariate(5 + which * 0.25, 0.9))
        star = "" if chance.random() < 0.03 else str(liked)
        yield (
            number, created, created + timedelta(days=1), f"{chance.choice(TITLES)} {number}", ACCOUNTS[which],
            LABELS[which], star, liked // chance.randint(8, 20), liked // chance.randint(4, 9),
            liked // chance.randint(10, 30),
        )  # fmt: skip


def _materials(chance: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(1, 9):
        yield f"m{number:02}", f"Material {number:02}", KINDS[number % 3], chance.randint(1, 240)


def _hours(chance: random.Random) -> Iterator[tuple[Any, ...]]:
    for step in range(DAYS * 24):
        hour = BEGIN + timedelta(hours=step)
        daily = 1 + math.sin((hour.hour - 9) / 24 * 2 * math.pi)  # quiet nights, busy afternoons
        for user, name in enumerate(USERS):
            for material in range(1, 9):
                shown = int(40 * (user + 1) * daily * (0.5 + chance.random()) * (1 + material / 8))
                active = int(shown * 0.03 * (0.4 + chance.random()))
                yield hour, name, f"m{material:02}", shown, active, round(shown * 0.012 * (1 + user / 4), 2)
