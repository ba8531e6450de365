"""Takes the inbox in as Trackio's dashboard does, and reads the database: TRACKIO_DIR=FOLDER python trackio_inbox.py"""
import json

import trackio  # noqa: F401: sets up its folder
from trackio.fragments import import_inbox_dir
from trackio.sqlite_storage import SQLiteStorage

import_inbox_dir()
(run,) = SQLiteStorage.get_run_records("grit")
print(json.dumps({
    "projects": SQLiteStorage.get_projects(),
    "run": run,
    "logs": SQLiteStorage.get_logs("grit", run["name"], run_id=run["id"]),
    "config": SQLiteStorage.get_run_config("grit", run["name"], run_id=run["id"]),
    "alerts": SQLiteStorage.get_alerts("grit"),
}, default=str))
