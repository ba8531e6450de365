"""Whether huggingface_hub finds a model in a cache: python layout.py CACHE REPO REVISION prints {"snapshot", "files", "size"} as JSON."""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download  # noqa: E402

cache, repo, revision = sys.argv[1:]
snapshot = snapshot_download(repo, revision=revision, cache_dir=cache, local_files_only=True)
files = sorted(os.listdir(snapshot))
for name in files:
    path = hf_hub_download(repo, name, revision=revision, cache_dir=cache, local_files_only=True)
    assert path == os.path.join(snapshot, name), path
info = scan_cache_dir(cache)
assert not info.warnings, info.warnings
(found,) = info.repos
assert found.repo_id == repo and found.repo_type == "model", found
print(json.dumps({"snapshot": snapshot, "files": files, "size": found.size_on_disk}))
