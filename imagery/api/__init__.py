"""The REST API of the organised set: every answer scoped to the person's events."""
