"""A knowledge base on a table of Aurora PostgreSQL, searched by pgvector.

The table is whatever was deployed; what Bedrock asks of it is checked when it is opened: columns,
an index on the vectors and one on the text
(https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from local.stores import aurora_clusters, aurora_filter
from local.stores.blending import CANDIDATES, blended
from local.stores.checked_store import CheckedStore
from local.stores.store import SOURCE_URI, Chunk, Filter, Hit, StoreError

# The operator of an index's operator class, and the score of its distance.
OPERATORS = {"vector_cosine_ops": "<=>", "vector_l2_ops": "<->", "vector_ip_ops": "<#>"}


class AuroraStore(CheckedStore):
    """The chunks of one table; one connection, used by one thread at a time."""

    kind = "Aurora PostgreSQL"
    hybrid = True
    unsupported = ("startsWith",)

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        user, password = aurora_clusters.credentials(configuration["credentialsSecretArn"])
        self._connection = aurora_clusters.connect(
            str(configuration["resourceArn"]).rpartition(":")[2],
            database=configuration["databaseName"],
            username=user,
            password=password,
        )
        self._lock = threading.RLock()
        self._fields: Mapping[str, str] = configuration["fieldMapping"]
        self._table = str(configuration["tableName"])
        try:
            self._columns = self._read_columns()
            self.dimension = self._read_dimension()
            self._operator = self._read_operator()
        except BaseException:
            self._connection.close()
            raise

    # What is deployed

    def _read_columns(self) -> dict[str, str]:
        rows = self._run(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            [self._table],
        )
        if not rows:
            raise StoreError(f'relation "{self._table}" does not exist')
        columns = dict(rows)
        for field, column in self._fields.items():
            if column not in columns:
                raise StoreError(f'column "{column}" ({field}) of "{self._table}" does not exist')
        return columns

    def _read_dimension(self) -> int:
        column = self._fields["vectorField"]
        kind = self._columns[column]
        if not kind.startswith("vector("):
            raise StoreError(f'column "{column}" is {kind}, and has to be vector(DIMENSION)')
        return int(kind.removeprefix("vector(").rstrip(")"))

    def _read_operator(self) -> str:
        indices = [
            definition
            for (definition,) in self._run(
                "select pg_get_indexdef(indexrelid) from pg_index where indrelid = to_regclass(%s)",
                [self._table],
            )
        ]
        text, vector = self._fields["textField"], self._fields["vectorField"]
        if not any("USING gin" in each and text in each for each in indices):
            raise StoreError(
                f"{text} column must be indexed: create index on {self._table} using gin "
                f"(to_tsvector('simple', {text}))"
            )
        for definition in indices:
            if "USING hnsw" in definition and vector in definition:
                named = next((each for each in OPERATORS if each in definition), "vector_l2_ops")
                return OPERATORS[named]
        raise StoreError(
            f"{vector} column must be indexed: create index on {self._table} using hnsw "
            f"({vector} vector_cosine_ops)"
        )

    # Writing

    def put(self, chunks: Sequence[Chunk]) -> None:
        """Add, or replace those with a known id."""
        for chunk in chunks:
            if len(chunk.vector) != self.dimension:
                raise StoreError(f"expected {self.dimension} dimensions, not {len(chunk.vector)}")
        with self._lock, self._connection.transaction():
            for chunk in chunks:
                self._put(chunk)

    def _put(self, chunk: Chunk) -> None:
        values = self._row(chunk)
        names = ", ".join(_quoted(each) for each in values)
        marks = ", ".join(_mark(self._columns[each]) for each in values)
        key = _quoted(self._fields["primaryKeyField"])
        changed = ", ".join(f"{_quoted(each)} = excluded.{_quoted(each)}" for each in values)
        self._run(
            f"insert into {self._table} ({names}) values ({marks}) "
            f"on conflict ({key}) do update set {changed}",
            list(values.values()),
        )

    def _row(self, chunk: Chunk) -> dict[str, Any]:
        metadata = {**chunk.metadata, SOURCE_URI: chunk.source_uri}
        row: dict[str, Any] = {
            self._fields["primaryKeyField"]: self._key(chunk.id),
            self._fields["vectorField"]: _vector(chunk.vector),
            self._fields["textField"]: chunk.text,
            self._fields["metadataField"]: json.dumps(
                {"id": chunk.id, "source": chunk.source_uri, "metadata": metadata}
            ),
        }
        custom = self._fields.get("customMetadataField")
        if custom:
            row[custom] = json.dumps(metadata)
        for name, value in metadata.items():  # keys that have a column of their own
            if name in self._columns and name not in row:
                row[name] = json.dumps(value) if isinstance(value, list) else value
        return row

    def _key(self, chunk_id: str) -> str:
        """Bedrock's chunk ids are UUIDs, which is the column's type; ours are made so."""
        if self._columns[self._fields["primaryKeyField"]] != "uuid":
            return chunk_id
        try:
            return str(uuid.UUID(chunk_id))
        except ValueError:
            return str(uuid.uuid5(uuid.NAMESPACE_URL, chunk_id))

    def _delete(self, name: str, value: str) -> int:
        with self._lock:
            gone = self._connection.execute(
                f"delete from {self._table} where {self._own} -> 'metadata' ->> %s = %s",
                [name, value],
            )
            return int(gone.rowcount)

    @property
    def _own(self) -> str:
        return f"{_quoted(self._fields['metadataField'])}::jsonb"

    # Reading

    def _search(
        self, vector: Sequence[float], text: str | None, limit: int, accepts: Filter | None
    ) -> list[Hit]:
        if len(vector) != self.dimension:
            raise StoreError(f"different vector dimensions {self.dimension} and {len(vector)}")
        where: str = "true"
        parameters: list[Any] = []
        if accepts is not None:
            where, parameters = aurora_filter.condition(accepts, self._value_of)
        near = self._nearest(vector, limit if text is None else CANDIDATES, where, parameters)
        if text is None:
            return near[:limit]
        return _blended(near, self._by_words(text, where, parameters))[:limit]

    def _value_of(self, key: str) -> str:
        """Where a metadata key is kept, as a jsonb expression."""
        custom = self._fields.get("customMetadataField")
        if custom:
            return f"({_quoted(custom)}::jsonb -> {_literal(key)})"
        if key in self._columns:
            return f"to_jsonb({_quoted(key)})"
        raise StoreError(f'column "{key}" does not exist')

    def _nearest(
        self, vector: Sequence[float], limit: int, where: str, parameters: list[Any]
    ) -> list[Hit]:
        distance = f"{_quoted(self._fields['vectorField'])} {self._operator} %s::vector"
        with self._lock, self._connection.transaction():
            # With a filter, go on until there are enough (pgvector 0.8).
            self._run("set local hnsw.iterative_scan = strict_order")
            self._run(f"set local hnsw.ef_search = {min(max(limit, 100), 1000)}")
            rows = self._run(
                f"select {self._shown}, {distance} from {self._table} where {where} "
                f"order by {distance} limit %s",
                [_vector(vector), *parameters, _vector(vector), limit],
            )
        return [_hit(row, self._score(row[-1])) for row in rows]

    def _by_words(self, text: str, where: str, parameters: list[Any]) -> list[Hit]:
        words = f"to_tsvector('simple', {_quoted(self._fields['textField'])})"
        # Any of the words, as full-text search of a question has to be.
        query = "replace(plainto_tsquery('simple', %s)::text, '&', '|')::tsquery"
        rows = self._run(
            f"select {self._shown}, ts_rank({words}, {query}) as rank from {self._table} "
            f"where {words} @@ {query} and ({where}) order by rank desc limit {CANDIDATES}",
            [text, text, *parameters],
        )
        return [_hit(row, float(row[-1])) for row in rows]

    @property
    def _shown(self) -> str:
        return f"{_quoted(self._fields['textField'])}, {self._own}::text"

    def _score(self, distance: float) -> float:
        if self._operator == "<->":
            return 1 / (1 + float(distance))
        return 1 - float(distance) if self._operator == "<=>" else -float(distance)

    def count(self) -> int:
        """How many chunks are searchable."""
        ((found,),) = self._run(f"select count(*) from {self._table}")
        return int(found)

    def close(self) -> None:
        """Close the connection; the data stays."""
        self._connection.close()

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        import psycopg

        with self._lock:
            try:
                cursor = self._connection.execute(statement, parameters or None)
            except psycopg.Error as refusal:
                raise StoreError(str(refusal).strip().partition("\n")[0]) from None
            return list(cursor.fetchall()) if cursor.description else []


def _vector(values: Sequence[float]) -> str:
    return "[" + ",".join(f"{each:.9g}" for each in values) + "]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """Text inside a statement whose parameters come as %s."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _mark(column_type: str) -> str:
    return f"%s::{column_type}"


def _hit(row: Sequence[Any], score: float) -> Hit:
    own = json.loads(row[1])
    return Hit(
        chunk=Chunk(id=own["id"], text=row[0], source_uri=own["source"], metadata=own["metadata"]),
        score=score,
    )


def _blended(near: Sequence[Hit], worded: Sequence[Hit]) -> list[Hit]:
    chunks = {hit.chunk.id: hit.chunk for hits in (near, worded) for hit in hits}
    rankings = [[(hit.chunk.id, hit.score) for hit in hits] for hits in (near, worded)]
    return [Hit(chunk=chunks[found], score=score) for found, score in blended(*rankings)]
