"""What a query may be made of: classes of sqlglot's tree, their arguments, functions by dialect.

Everything that is not listed is refused. A function is listed only if it computes its result from
its arguments (or is the clock) and cannot block, read a file, reach the network, reveal the server
or grow its result without bound.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

STRUCTURE = {
    "queries": "Select Union Except Intersect Subquery With CTE",
    "clauses": """
        From Join Where Group Having Order Ordered Limit Offset Fetch LimitOptions Distinct Qualify
        Window WindowSpec Filter WithinGroup Rollup Cube GroupingSets""",
    "names": "Table TableAlias Alias Identifier Column Star Var",
    "values": "Literal Null Boolean Paren Tuple Interval",
    "types": "DataType DataTypeParam",
    "paths": "JSONPath JSONPathRoot JSONPathKey JSONPathSubscript",
}

OPERATORS = {
    "logic": "And Or Xor Not Case If Exists Any All",
    "numbers": "Add Sub Mul Div IntDiv Mod Neg",
    "comparison": "EQ NEQ NullSafeEQ NullSafeNEQ GT GTE LT LTE Is In Between",
    "text": "Like ILike RegexpLike RegexpILike Glob Escape DPipe",
    "time": "AtTimeZone",
}

FUNCTIONS = {
    "aggregates": """
        Count CountIf Sum Avg Min Max GroupConcat Stddev StddevPop StddevSamp Variance VariancePop
        Median Mode Quantile PercentileCont PercentileDisc ApproxDistinct AnyValue ArgMax ArgMin
        Corr CovarPop CovarSamp LogicalAnd LogicalOr""",
    "windows": """
        RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue
        NthValue""",
    "numbers": "Abs Ceil Floor Round Trunc Sqrt Cbrt Pow Exp Ln Log Sign Greatest Least Rand",
    "text": """
        Lower Upper Trim Substring SubstringIndex Concat ConcatWs Length StrPosition Left Right
        Reverse Initcap Replace SplitPart Pad NumberToStr RegexpReplace RegexpExtract MD5""",
    "json": "JSONExtract JSONExtractScalar",
    "values": "Coalesce Nullif Cast TryCast",
    "clock": "CurrentDate CurrentTimestamp CurrentTime Localtime Localtimestamp",
    "time": """
        Date Time Timestamp DateAdd DateSub DateDiff DateTrunc TimestampAdd TimestampSub
        TimestampDiff TimestampTrunc DatetimeAdd DatetimeSub DatetimeDiff DatetimeTrunc JustifyDays
        TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToTime TsOrDsToTimestamp TsOrDsToDatetime""",
    "parts of time": """
        Extract Year Month Day Hour Minute Second Quarter Week WeekOfYear DayOfWeek DayOfMonth
        DayOfYear Dayname Monthname LastDay""",
    "time and text": """
        TimeToStr StrToTime StrToDate UnixToTime UnixToStr UnixToTimeStr TimeToUnix StrToUnix
        TimeStrToTime DateStrToDate ToDays""",
}

# classes that only one dialect may use
OWN = {
    "postgres": "Lateral",
    "duckdb": "ArrayAgg",  # list(x)
}

# the reading functions that sqlglot has no class for, by dialect
FURTHER = {
    "mysql": """
        now sysdate unix_timestamp from_unixtime microsecond adddate subdate timediff yearweek
        weekday period_diff makedate to_days sec_to_time time_to_sec addtime subtime
        elt field find_in_set char_length character_length ascii
        cot degrees radians pi truncate""",
    "postgres": """
        make_date date_part date_bin to_char to_number to_date to_timestamp age
        justify_days justify_hours width_bucket strpos btrim char_length div
        mode bool_and bool_or every""",
    "sqlite": """
        date time datetime julianday strftime unixepoch timediff
        total instr ifnull iif unicode""",
    "duckdb": """
        date_part datepart datesub date_sub strptime strftime try_strptime
        isodow isoyear yearweek century epoch
        mode mad kurtosis skewness product first last fsum kahan_sum
        contains starts_with ends_with prefix suffix list_count""",
}

TYPES = {
    "truth": "BOOLEAN",
    "whole numbers": """
        TINYINT SMALLINT MEDIUMINT INT BIGINT INT128
        UTINYINT USMALLINT UMEDIUMINT UINT UBIGINT""",
    "other numbers": "FLOAT DOUBLE DECIMAL BIGDECIMAL UDECIMAL UDOUBLE",
    "text": "CHAR NCHAR VARCHAR NVARCHAR TEXT TINYTEXT MEDIUMTEXT LONGTEXT",
    "time": """
        DATE TIME TIMETZ DATETIME TIMESTAMP TIMESTAMPTZ TIMESTAMPLTZ TIMESTAMPNTZ
        TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS INTERVAL YEAR""",
}

# arguments that a node may have; those of other classes are themselves nodes of the list, or plain
# switches
ARGUMENTS = {
    "Select": """
        with_ expressions from_ joins where group having qualify windows order limit offset
        distinct""",
    "Union": "with_ this expression distinct by_name order limit offset",
    "Except": "with_ this expression distinct by_name order limit offset",
    "Intersect": "with_ this expression distinct by_name order limit offset",
    "Subquery": "this alias",
    "Lateral": "this alias",
    "Table": "this alias db joins",
    "Join": "this on using side kind method",
    "With": "expressions",
    "CTE": "this alias",
    "Limit": "expression",
    "Fetch": "direction count limit_options",
    "LimitOptions": "rows",
    "Group": "expressions rollup cube grouping_sets totals all",
    "DataType": "this expressions nested kind values",
    "Window": "this partition_by order spec alias over first",
    "ArrayAgg": "this",
    "Interval": "this unit",
    "Star": "except_",
    "Pad": "this expression fill_pattern is_left",
    "Cast": "this to safe",
    "TryCast": "this to safe requires_string",
}


@lru_cache(maxsize=8)
def allowed_classes(dialect: str) -> frozenset[type]:
    """The classes of the lists above that this version of sqlglot has."""
    from sqlglot import exp

    lists = [*STRUCTURE.values(), *OPERATORS.values(), *FUNCTIONS.values(), OWN.get(dialect, "")]
    names = " ".join(lists).split()
    return frozenset(getattr(exp, name) for name in names if hasattr(exp, name))


@lru_cache(maxsize=1)
def allowed_arguments() -> dict[type, frozenset[str]]:
    """class -> the arguments it may have, for those classes that are not free in them."""
    from sqlglot import exp

    return {getattr(exp, name): frozenset(words.split()) for name, words in ARGUMENTS.items()}


@lru_cache(maxsize=1)
def allowed_types() -> frozenset[Any]:
    """The members of sqlglot's DType that a cast may name."""
    from sqlglot import exp

    names = " ".join(TYPES.values()).split()
    return frozenset(exp.DType[name] for name in names if name in exp.DType.__members__)


@lru_cache(maxsize=8)
def further_functions(dialect: str) -> frozenset[str]:
    """Names, lower-cased, that are allowed although sqlglot does not know them."""
    return frozenset(FURTHER[dialect].split())
