"""Milvus' collections for a shared index, and the expressions that select their rows."""

import json
from collections.abc import Sequence
from typing import Any

from pymilvus import DataType, MilvusClient

from codekin.team.tables import MAX_TEXT_BYTES, ColumnType, Conditions, Table, Value

KEY_LENGTH = 32
UNUSED_VECTOR = [1.0, 0.0]
_KEY_TEXT_LENGTH = 256  # of a text that is a row's key
_VALUES = 500  # of one condition a call


def create_table(client: MilvusClient, name: str, table: Table) -> None:
    """Create a collection with a table's columns, indexes for look-ups, and an unused vector, which Milvus demands.

    Raises MilvusException.
    """
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    for column, kind in table.columns.items():
        options: dict[str, Any] = {"is_primary": column == table.key}
        if kind is ColumnType.INTEGER:
            schema.add_field(column, DataType.INT64, **options)
        else:
            is_short = kind is ColumnType.KEY or column == table.key
            max_length = _KEY_TEXT_LENGTH if is_short else MAX_TEXT_BYTES
            schema.add_field(column, DataType.VARCHAR, max_length=max_length, **options)
    schema.add_field("unused", DataType.FLOAT_VECTOR, dim=len(UNUSED_VECTOR))
    indexes = client.prepare_index_params()
    indexes.add_index("unused", index_type="FLAT", metric_type="L2")
    for column in table.lookups:
        indexes.add_index(column, index_type="INVERTED")
    client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Session")


def create_contents(client: MilvusClient, name: str, dim: int, *, is_lite: bool) -> None:
    """Create the collection of a space's contents, with HNSW graph and word index. Raises MilvusException."""
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=KEY_LENGTH)
    schema.add_field("set_id", DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR if is_lite else DataType.FLOAT16_VECTOR, dim=dim)
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    indexes = client.prepare_index_params()
    graph: dict[str, Any] = {"M": 16, "efConstruction": 200}
    if not is_lite:
        graph |= {"sq_type": "SQ8", "refine": True, "refine_type": "FP16"}
    indexes.add_index("vector", index_type="HNSW" if is_lite else "HNSW_SQ", metric_type="IP", params=graph)
    indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
    indexes.add_index("set_id", index_type="INVERTED")
    client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Session")


def make_expressions(conditions: Conditions) -> list[str]:
    """Return filters whose results together meet all conditions; each has at most 500 of the longest list's values."""
    if not conditions:
        return [""]
    if not all(conditions.values()):
        return []
    longest = max(conditions, key=lambda column: len(conditions[column]))
    values = list(conditions[longest])
    others = [_make_expression(column, list(conditions[column])) for column in conditions if column != longest]
    return [
        " and ".join([_make_expression(longest, values[start : start + _VALUES]), *others])
        for start in range(0, len(values), _VALUES)
    ]


def _make_expression(column: str, values: Sequence[Value]) -> str:
    """Return the Milvus filter for rows whose column has one of these values."""
    return f"{column} in {json.dumps(list(values), ensure_ascii=False)}"
