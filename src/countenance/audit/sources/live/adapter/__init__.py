"""Any service that speaks HTTP and JSON, described by a TOML file: what is sent, and where in the answer things are."""
