"""Files of any usual shape -> rows that can be learned, split without leaks."""
