"""The warehouse: an append-only set of events, and a star schema that is a pure function of it."""
