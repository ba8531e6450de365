"""Reads a run file by W&B's own DataStore, which older versions have in Python (0.21 does): python wandb_log.py FILE"""
import json
import sys

from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal.datastore import DataStore

store = DataStore()
store.open_for_scan(sys.argv[1])
found = {"kinds": [], "config": {}, "history": [], "files": []}
while (data := store.scan_data()) is not None:
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    found["kinds"].append(record.WhichOneof("record_type"))
    if record.HasField("run"):
        found["run"] = [record.run.run_id, record.run.project, record.run.display_name]
        found["config"] = {item.key: json.loads(item.value_json) for item in record.run.config.update}
    if record.HasField("history"):
        values = {item.key: json.loads(item.value_json) for item in record.history.item}
        found["history"].append([record.history.step.num, values])
    found["files"] += [file.path for file in record.files.files]
print(json.dumps(found))
