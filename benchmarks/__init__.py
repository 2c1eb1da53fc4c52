"""Figures of speed: `make bench`, or `python -m benchmarks NAME`. Never timed tests."""
