"""A backup is a folder: one manifest, one file of rows, one list of files, and their bytes.

    manifest.json           versions, counts, and the SHA-256 of the two below
    rows-<time>.sqlite3     … or .dump, as pg_dump makes it
    files-<time>.tsv        SHA-256, bytes, time of change, path; one file a line
    pool/ab/cd/<sha256>     the bytes, once each, whatever they were called
    secret_key              where secrets were asked for

The manifest is written last, by renaming: a backup that is killed leaves the one before as it
was. Backing up into the same folder again copies what is new.
"""
