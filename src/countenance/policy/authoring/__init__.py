"""For those who write packs: what a change of rules or facts changes."""
