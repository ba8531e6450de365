"""A parquet file of POPE's columns with ROWS rows, each with its own image, all in one row group, as pyarrow writes by default.

    python bench/make_parquet.py OUT ROWS IMAGE
"""

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

out, rows, image = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_bytes()
table = pa.table(
    {
        "question_id": [str(i) for i in range(rows)],
        "category": ["random"] * rows,
        "question": [f"Is there an object {i} in the image?" for i in range(rows)],
        "answer": ["no"] * rows,
        # Bytes after a PNG's end make it another file, which does not compress, and leave it the same picture.
        "image": [{"bytes": image + random.Random(i).randbytes(2000), "path": None} for i in range(rows)],
    }
)
pq.write_table(table, out)
