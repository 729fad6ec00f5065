"""Published audits carried out again with this auditor, so that anybody can hold it to known numbers."""
