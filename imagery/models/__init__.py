"""Rows of the organised set: event → post → link → image → unique image."""

from imagery.models.events import Event, Membership, Role, Rule
from imagery.models.jobs import Job, Stage
from imagery.models.pictures import Image, Snapshot, UniqueImage, Vector
from imagery.models.posts import Account, Import, Link, Post, PostLink

__all__ = [
    "Account",
    "Event",
    "Image",
    "Import",
    "Job",
    "Link",
    "Membership",
    "Post",
    "PostLink",
    "Role",
    "Rule",
    "Snapshot",
    "Stage",
    "UniqueImage",
    "Vector",
]
