"""The whole loop on real digits: train, record, present, fit, simulate, validate, report."""
