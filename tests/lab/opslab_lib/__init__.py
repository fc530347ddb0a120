"""The lab: a small real world on loopback for demos, tests and drills. See ../README.md."""
