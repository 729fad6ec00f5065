"""What an audit reads and writes as files: plans, results, and their JSON schemas."""
