"""Published audits, repeated with this auditor, so that anybody can check it against known numbers."""
