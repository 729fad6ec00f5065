"""Searches among the nodes of a Ray cluster: parts of the galleries as actors, asked together. Only this knows Ray."""

from countenance.cluster.plan import ClusterPlan, PartOpener, check_cluster, memory_for
from countenance.cluster.search import ClusterSearch
from countenance.cluster.shard import Part
from countenance.cluster.spreading import spread, spread_large

__all__ = [
    "ClusterPlan",
    "ClusterSearch",
    "Part",
    "PartOpener",
    "check_cluster",
    "memory_for",
    "spread",
    "spread_large",
]
