"""Rows of the organised set: event → post → link → image → unique image."""

from imagery.models.decisions import Decision, Match
from imagery.models.events import Event, Membership, Role, Rule
from imagery.models.jobs import Job, Stage
from imagery.models.landmarks import Landmarks
from imagery.models.lookups import HashList, KnownHash, KnownMatch, LookUp
from imagery.models.pictures import Image, Moved, Snapshot, UniqueImage, Vector
from imagery.models.posts import Account, Import, Link, Post, PostLink
from imagery.models.retrieval import RetrievalRun

__all__ = [
    "Account",
    "Decision",
    "Event",
    "HashList",
    "Image",
    "Import",
    "Job",
    "KnownHash",
    "KnownMatch",
    "Landmarks",
    "Link",
    "LookUp",
    "Match",
    "Membership",
    "Moved",
    "Post",
    "PostLink",
    "RetrievalRun",
    "Role",
    "Rule",
    "Snapshot",
    "Stage",
    "UniqueImage",
    "Vector",
]
