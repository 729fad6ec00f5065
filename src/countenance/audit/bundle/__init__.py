"""What an audit leaves behind: a signed, sealed bundle of files that can be verified and compared."""
