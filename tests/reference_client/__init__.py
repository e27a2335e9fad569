"""A small client that keeps to the specifications, and departures from them that tests of clients have to detect."""
