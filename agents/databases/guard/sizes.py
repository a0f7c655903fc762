"""A query's tree and a schema -> nothing, or Refused where a value could grow too large.

Every expression has an upper bound of its bytes, from the columns' sizes upwards, by the rules of
`growth.py`. Functions that compare a text with a text at every place cannot be interrupted by any
of the servers, so the product of both sizes is bounded too.
"""

from __future__ import annotations

from typing import Any

from agents.databases.guard.column_sizes import ROWS, UNKNOWN, column_sizes, row_count
from agents.databases.guard.extents import (
    Extent,
    Scope,
    Sight,
    after_levels,
    joined_rows,
    largest,
    row_size,
    rows_out,
    wider,
)
from agents.databases.guard.growth import ELEMENT, FIXED, Size, grown, rule_of
from agents.databases.guard.growth_by_number import BY_NUMBER, capped
from agents.databases.guard.numbers import largest_number
from agents.databases.guard.refused import Refused
from agents.databases.schema import Schema
from workbench.messages import say

MEGABYTE = 1_000_000
LARGEST = 50 * MEGABYTE  # bytes of a value that is built, and of all values of a row
GATHERED = 200 * MEGABYTE  # bytes of the values of all rows that an aggregate joins
ENDLESS = 1_000_000 * MEGABYTE  # so large that the number says nothing
SEARCHED = 200_000_000  # comparisons of one search
BATCH = 2048  # rows that DuckDB computes at a time
SHOWN = 80  # characters of an expression in a message

# functions that look for their second argument at each place of the first, or compare all pairs
SEARCHES = """
    Like ILike SimilarTo RegexpLike RegexpILike Glob Contains StrPosition Replace RegexpReplace
    RegexpExtract RegexpExtractAll RegexpCount RegexpInstr RegexpSplit SplitPart Split
    SubstringIndex StringToArray Trim Levenshtein Translate FindInSet
    strpos instr find_in_set regexp_like regexp_matches regexp_match regexp_count regexp_instr
    regexp_substr regexp_split_to_array regexp_split_to_table regexp_full_match split_part
    string_to_array string_split str_split string_split_regex levenshtein damerau_levenshtein
    editdist3 jaccard jaro_similarity jaro_winkler_similarity hamming mismatches contains btrim
    ltrim rtrim list_has_any list_has_all array_has_any array_has_all translate
"""

SEARCHING = frozenset(SEARCHES.split())
NOTHING = Size(0, 0, 0)
SHORTER = "Build shorter texts: cut the parts with LEFT or SUBSTR first."
FIXES = {
    "repeated": "Bound the count in the query: LEAST(n, 100).",
    "padded": "Give the length as a number in the query.",
    "formatted": "Write the format as one literal with small widths.",
    "gathered": "Join fewer rows: take them from an inner SELECT with a LIMIT first.",
    "counted": "Give the bounds of the series as numbers.",
    "reduced": "Let the function give a number, or use an aggregate.",
}
SEARCH_SHORTER = "Search for a short text: a literal or a column."


def check_sizes(tree: Any, schema: Schema, dialect: str) -> None:
    """Raises Refused for an expression whose value, or whose work, has no acceptable bound."""
    Sizes(schema, dialect).query(tree, Sight({}, []))


class Sizes:
    """Walks one tree. The names in it are those of the schema already."""

    def __init__(self, schema: Schema, dialect: str) -> None:
        self._schema = schema
        self._dialect = dialect

    # relations

    def query(self, node: Any, sight: Sight) -> Extent:
        """The extent of a query's result."""
        from sqlglot import exp

        sight = Sight(dict(sight.ctes), sight.scopes)
        self._with(node.args.get("with_"), sight)
        if isinstance(node, exp.Subquery):
            extent = self.query(node.this, sight)
        elif isinstance(node, exp.SetOperation):
            extent = self._set_operation(node, sight)
        elif isinstance(node, exp.Select):
            extent = self._select(node, sight)
        else:
            extent = self._made(node, sight)
        return _limited(extent, node.args.get("limit"))

    def _with(self, clause: Any, sight: Sight) -> None:
        from sqlglot import exp

        for cte in clause.expressions if clause else []:
            alias = cte.args["alias"]
            names = [name.name for name in alias.args.get("columns") or []]
            refers = bool(clause.args.get("recursive")) and isinstance(cte.this, exp.SetOperation)
            if refers:
                extent = self._recursive(cte.this, alias.name.casefold(), names, sight)
            else:
                extent = self.query(cte.this, sight).called(names)
            sight.ctes[alias.name.casefold()] = extent

    def _recursive(self, union: Any, name: str, names: list[str], sight: Sight) -> Extent:
        """A recursive CTE after all its levels, by what the first few levels add.

        What adds as much at each level adds so much LEVELS times; what adds more each time has
        no bound.
        """
        extent = self.query(union.this, sight).called(names)
        seen = [extent]
        for _ in range(len(extent.columns) + 3):
            level = Extent(seen[-1].columns, ROWS, seen[-1].other)
            inner = Sight(sight.ctes | {name: level}, sight.scopes)
            added = self.query(union.expression, inner)
            seen.append(wider(level, added))
        totals = [row_size(level).longest for level in seen]
        steady = totals[-1] - totals[-2] <= totals[-2] - totals[-3] + 1
        if not steady:
            raise _unbounded(union, "", self._dialect)
        return after_levels(seen[-2], seen[-1])

    def _set_operation(self, node: Any, sight: Sight) -> Extent:
        left = self.query(node.this, sight)
        right = self.query(node.expression, sight)
        widest = wider(left, right)
        extent = Extent(widest.columns, left.rows + right.rows, widest.other)
        inner = sight.inner(Scope({"": extent}))
        for part in ("order", "limit", "offset"):
            self._visit(node.args.get(part), inner)
        return extent

    def _select(self, node: Any, sight: Sight) -> Extent:
        from sqlglot import exp

        scope = Scope()
        inner = sight.inner(scope)
        sources = _sources(node)
        extents = [self._source(source, scope, sight) for source in sources]
        scope.rows = joined_rows(node, extents)
        columns: dict[str, Size] = {}
        for place, item in enumerate(node.expressions):
            size = self.size(item, inner)
            if isinstance(item, exp.Alias):
                scope.aliases[item.alias.casefold()] = size
            star = isinstance(item, exp.Star) or isinstance(item.this, exp.Star)
            if star:
                columns |= _starred(item, scope)
            else:
                columns[item.alias_or_name.casefold() or f"\0{place}"] = size
        for join in node.args.get("joins") or []:
            self._visit(join.args.get("on"), inner)
        for key, part in node.args.items():
            if key not in ("with_", "from_", "joins", "laterals", "expressions", "limit"):
                self._visit(part, inner)
        result = Extent(columns, rows_out(node, scope.rows))
        if row_size(result).longest > LARGEST:
            raise _too_large(node, row_size(result).longest, "", self._dialect)
        return result

    def _source(self, item: Any, scope: Scope, sight: Sight) -> Extent:
        """One item of FROM, put into the scope. It may see what stands before it (LATERAL)."""
        from sqlglot import exp

        sees = Sight(sight.ctes, [scope, *sight.scopes])
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            extent = self._table(item, sight)
        elif isinstance(item, exp.Subquery):
            extent = self.query(item, sees)
        elif isinstance(item, exp.Lateral) and isinstance(item.this, exp.Subquery):
            extent = self.query(item.this, sees)
        else:
            extent = self._made(item, sees)
        alias = item.args.get("alias")
        names = [name.name for name in alias.args.get("columns") or []] if alias else []
        if item.args.get("pivots"):
            self._visit(item.args["pivots"], sight.inner(Scope({"": extent})))
            extent = Extent(extent.columns, extent.rows, extent.widest())
        called = (item.alias or item.name).casefold() or f"\0{len(scope.relations)}"
        extent = extent.called(names)
        scope.relations[called] = extent
        return extent

    def _table(self, node: Any, sight: Sight) -> Extent:
        cte = sight.ctes.get(node.name.casefold())
        if cte is not None and node.args.get("db") is None:
            return cte
        table = self._schema.find(node.name, node.db)
        if table is None:
            return Extent({}, ROWS, UNKNOWN)
        return Extent(column_sizes(table), row_count(table))

    def _made(self, node: Any, sight: Sight) -> Extent:
        """A relation that a function, VALUES or an expression makes: its columns have no names."""
        from sqlglot import exp

        if isinstance(node, exp.Values):
            rows = node.expressions
            return Extent({}, max(len(rows), 1), largest(self._visit(rows, sight)))
        alias = node.args.get("alias")
        parts = [part for part in node.iter_expressions() if part is not alias]
        size = largest(self._visit(parts, sight))
        elements = max(1.0, size.usual / ELEMENT)
        return Extent({}, elements, Size(size.longest, min(size.usual, FIXED.usual * 2)))

    # expressions

    def _visit(self, part: Any, sight: Sight) -> list[Size]:
        """The sizes of an expression, of a list of them, or of nothing."""
        from sqlglot import exp

        if isinstance(part, list):
            return [size for item in part for size in self._visit(item, sight)]
        if isinstance(part, exp.Table):  # inside an expression, as an argument of a function
            return self._visit(part.this, sight)
        return [self.size(part, sight)] if isinstance(part, exp.Expr) else []

    def size(self, node: Any, sight: Sight) -> Size:
        """The size of one expression; raises Refused where it, or a part of it, is too large."""
        from sqlglot import exp

        if isinstance(node, exp.Query):
            return self.query(node, sight).widest()
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return sight.column(node)
        if isinstance(node, exp.Literal):
            return _literal(node)
        rule = rule_of(node)
        sizes = self._arguments(node, sight)
        self._check_search(node, sizes)
        by_number = BY_NUMBER.get(rule)
        if by_number is not None:
            size = by_number(node, sizes, sight.rows())
        elif rule == "fixed":
            size = FIXED
        else:
            size = grown(rule, sizes)
        self._check(node, size, rule, sight)
        if rule == "gathered":
            size = capped(size, self._dialect)
        return Size(size.longest, size.usual, largest_number(node, sizes, sight.rows()))

    def _arguments(self, node: Any, sight: Sight) -> list[Size]:
        """The sizes of a node's arguments.

        A function of one's own has three: with every parameter as large as the whole list, with
        empty ones, and with only the first one large.
        """
        from sqlglot import exp

        parts = list(node.iter_expressions())
        own = [part for part in parts if isinstance(part, exp.Lambda)]
        sizes = [self.size(part, sight) for part in parts if part not in own]
        whole = largest(sizes) if own else FIXED
        for part in own:
            names = [name.name.casefold() for name in part.expressions]
            for first, others in ((whole, whole), (NOTHING, NOTHING), (whole, NOTHING)):
                given = dict.fromkeys(names, others) | dict.fromkeys(names[:1], first)
                parameters = Scope(aliases=given, rows=sight.rows())
                sizes.append(self.size(part.this, sight.inner(parameters)))
        return sizes

    def _check(self, node: Any, size: Size, rule: str, sight: Sight) -> None:
        limit = GATHERED if rule == "gathered" else LARGEST
        together = size.longest
        if self._dialect == "duckdb":
            together = max(together, size.usual * min(sight.rows(), BATCH))
        if together > limit:
            raise _too_large(node, together, rule, self._dialect)

    def _check_search(self, node: Any, sizes: list[Size]) -> None:
        from sqlglot import exp

        kind = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__
        if kind not in SEARCHING or len(sizes) < 2:
            return
        work = sizes[0].longest * sizes[1].longest
        if work > SEARCHED:
            raise Refused(
                say(
                    "{expression} may compare {places} bytes with {needle} bytes at each place,"
                    " which no server lets itself be interrupted in.",
                    expression=_shown(node, self._dialect),
                    places=f"{sizes[0].longest:,.0f}",
                    needle=f"{sizes[1].longest:,.0f}",
                ),
                SEARCH_SHORTER,
            )


def _literal(node: Any) -> Size:
    text = str(node.this)
    number = float("inf")
    if text.replace(".", "", 1).isdecimal():
        number = float(text)
    if not node.is_string:
        return Size(FIXED.longest, FIXED.usual, number)
    length = float(len(text.encode()))
    return Size(length, length, number)


def _starred(item: Any, scope: Scope) -> dict[str, Size]:
    """The columns that a star stands for, of all relations or of the named one."""
    from sqlglot import exp

    relations = list(scope.relations.values())
    if isinstance(item, exp.Column) and item.table.casefold() in scope.relations:
        relations = [scope.relations[item.table.casefold()]]
    columns: dict[str, Size] = {}
    for relation in relations:
        for name, size in relation.columns.items():
            columns[name] = largest([size, columns.get(name, size)])
        if relation.other is not None:
            columns[f"\0{len(columns)}"] = relation.other
    return columns


def _limited(extent: Extent, limit: Any) -> Extent:
    """The extent with no more rows than a LIMIT gives."""
    from sqlglot import exp

    wanted = limit.args.get("expression") or limit.args.get("count") if limit else None
    if not isinstance(wanted, exp.Literal) or not str(wanted.this).isdecimal():
        return extent
    return Extent(extent.columns, min(extent.rows, float(wanted.this)), extent.other)


def _too_large(node: Any, size: float, rule: str, dialect: str) -> Refused:
    limit = GATHERED if rule == "gathered" else LARGEST
    if size > ENDLESS:
        return _unbounded(node, rule, dialect)
    problem = say(
        "{expression} may become {size} MB large; at most {limit} MB may be built.",
        expression=_shown(node, dialect),
        size=f"{size / MEGABYTE:,.0f}",
        limit=f"{limit / MEGABYTE:,.0f}",
    )
    return Refused(problem, FIXES.get(rule, SHORTER))


def _unbounded(node: Any, rule: str, dialect: str) -> Refused:
    problem = say("{expression} can grow without bound.", expression=_shown(node, dialect))
    return Refused(problem, FIXES.get(rule, SHORTER))


def _shown(node: Any, dialect: str) -> str:
    text = str(node.sql(dialect))
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _sources(select: Any) -> list[Any]:
    """The items of FROM, also those that stand joined in parentheses, without these."""
    clause = select.args.get("from_")
    waiting = [clause.this] if clause else []
    waiting += [join.this for join in select.args.get("joins") or []]
    waiting += select.args.get("laterals") or []
    found = []
    while waiting:
        item = waiting.pop(0)
        waiting = [join.this for join in item.args.get("joins") or []] + waiting
        if _is_bracket(item):
            waiting.insert(0, item.this)
        else:
            found.append(item)
    return found


def _is_bracket(item: Any) -> bool:
    from sqlglot import exp

    inner = isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table | exp.Subquery)
    return inner and not item.alias
