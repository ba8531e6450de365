"""Reads a folder of parquet files by datasets: python parquet_tables.py FOLDER CACHE"""
import json
import sys

from datasets import Image, load_dataset

table = load_dataset("parquet", data_files=f"{sys.argv[1]}/*.parquet", split="train", cache_dir=sys.argv[2])
rows = [{name: value for name, value in row.items() if name != "image"} for row in table.remove_columns("image")]
print(json.dumps({
    "columns": table.column_names,
    "isImage": isinstance(table.features["image"], Image),
    "sizes": [image.size for image in table["image"]],
    "rows": rows,
}))
