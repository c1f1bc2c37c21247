"""Makes collections as the original program did, or that differ in a named way, and reads one back.

    original.py make ADDRESS DATABASE WIDTH ROWS VARIANT...
    original.py read ADDRESS DATABASE COLLECTION FILTER

make prints nothing; each collection has the name of its variant, "original" being none; row i has id i, path "pictures/i.jpg" and a vector of which component i % WIDTH is 1.
read prints the matching rows as JSON, sorted by id.
"""

import json
import sys

from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db


def use(address, database):
    host, port = address.rsplit(":", 1)
    connections.connect(host=host, port=port)
    if database not in db.list_database():
        db.create_database(database)
    db.using_database(database)


def make(collection, width, rows, variant):
    vector = FieldSchema("embeding", DataType.FLOAT_VECTOR, dim=width)
    fields = [
        FieldSchema("m_id", DataType.INT64, is_primary=True, auto_id=variant == "auto_id"),
        vector,
        FieldSchema("path", DataType.VARCHAR, max_length=256),
    ]
    if variant == "string_id":
        fields[0] = FieldSchema("m_id", DataType.VARCHAR, is_primary=True, max_length=64)
    if variant == "binary":
        fields[1] = FieldSchema("embeding", DataType.BINARY_VECTOR, dim=width)
    if variant == "other_vector":
        fields[1] = FieldSchema("embedding", DataType.FLOAT_VECTOR, dim=width)
    if variant == "no_path":
        fields.pop()
    if variant == "path_number":
        fields[2] = FieldSchema("path", DataType.INT64)
    if variant == "extra":
        fields.append(FieldSchema("shop", DataType.VARCHAR, max_length=64))
    schema = CollectionSchema(fields, description="text image search", enable_dynamic_field=variant != "static")
    c = Collection(collection, schema, shards_num=2)
    if variant == "no_index":
        return
    metric = {"l2": "L2", "cosine": "COSINE", "binary": "HAMMING"}.get(variant, "IP")
    kind = "BIN_IVF_FLAT" if variant == "binary" else "IVF_FLAT"
    c.create_index("embeding" if variant != "other_vector" else "embedding", {"index_type": kind, "metric_type": metric, "params": {"nlist": 1024}})
    if not rows:
        return
    entities = []
    for i in range(rows):
        row = {"m_id": i, "embeding": [1.0 if j == i % width else 0.0 for j in range(width)], "path": f"pictures/{i}.jpg"}
        if variant == "odd":  # what other programs may write into dynamic fields
            row.update([("nothing", None), ("object", {"a": 1}), ("numbers", [1, 2]), ("mixed", ["a", 1]), ("label", ["apple", None, "pear"][i % 3])])
        entities.append(row)
    for start in range(0, rows, 1000):
        c.insert(entities[start : start + 1000])
    c.flush()
    c.load()


def read(collection, where):
    c = Collection(collection)
    c.load()
    rows = c.query(where, output_fields=["*"], consistency_level="Strong", limit=16384)
    for row in rows:
        row["embeding"] = [float(x) for x in row["embeding"]]
    print(json.dumps(sorted(rows, key=lambda row: row["m_id"])))


def main():
    command, address, database, *rest = sys.argv[1:]
    use(address, database)
    if command == "make":
        for variant in rest[2:]:
            make(variant, int(rest[0]), int(rest[1]), variant)
    else:
        read(*rest)


main()
