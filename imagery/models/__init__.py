"""Rows of the organised set: event → post → link → image → unique image."""

from imagery.models.collecting import (
    Collection,
    CollectionRule,
    Gap,
    Minute,
    Reading,
)
from imagery.models.decisions import Decision, Match
from imagery.models.events import Event, Membership, Role, Rule
from imagery.models.jobs import Job, Stage
from imagery.models.keeping import Leftover, Purge
from imagery.models.landmarks import Landmarks
from imagery.models.lookups import HashList, KnownHash, KnownMatch, LookUp
from imagery.models.pictures import Image, Moved, Snapshot, UniqueImage, Vector
from imagery.models.posts import Account, Import, Link, Post, PostLink
from imagery.models.processes import Process
from imagery.models.retrieval import RetrievalRun

__all__ = [
    "Account",
    "Collection",
    "CollectionRule",
    "Decision",
    "Event",
    "Gap",
    "HashList",
    "Image",
    "Import",
    "Job",
    "KnownHash",
    "KnownMatch",
    "Landmarks",
    "Leftover",
    "Link",
    "LookUp",
    "Match",
    "Membership",
    "Minute",
    "Moved",
    "Post",
    "PostLink",
    "Process",
    "Purge",
    "Reading",
    "RetrievalRun",
    "Role",
    "Rule",
    "Snapshot",
    "Stage",
    "UniqueImage",
    "Vector",
]
