"""The manifests that ship with Countenance, one TOML file each. The weights themselves do not."""
