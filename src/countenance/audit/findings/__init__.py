"""What an audit found, said in words: headline, verdicts, differences between two audits, advice."""
