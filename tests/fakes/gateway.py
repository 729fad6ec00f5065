"""A gateway without Ray: answers as one shard that found nothing, dies when told to. Run by `ClusterSearch`."""

import os
import sys
from multiprocessing.connection import Connection

import numpy as np

from countenance.cluster.shard import ShardReply

pipe = Connection(int(sys.argv[1]))
plan = pipe.recv()
pipe.send((None, []))
while True:
    number, what, question = pipe.recv()
    if what == "drop":
        continue
    if question.gallery_id == "die":
        os._exit(1)
    if question.gallery_id == "silence":
        continue
    if question.gallery_id == "changed":
        pipe.send((number, [ShardReply()] * plan.shards))
        continue
    if question.gallery_id == "short":
        pipe.send((number, [ShardReply(1, question.head.revision, ())] * (plan.shards - 1)))
        continue
    revision = question.head.revision - (question.gallery_id == "behind")
    hits = tuple(
        (np.array([number], np.int64), np.array([probe[0]], np.float32)) for number, probe in enumerate(question.probes)
    )
    replies = [
        ShardReply(10, revision, hits if shard == 0 else tuple((h[0][:0], h[1][:0]) for h in hits))
        for shard in range(plan.shards)
    ]
    pipe.send((number, replies))
