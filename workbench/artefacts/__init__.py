"""What packages hand over: model folders, run folders, data sets, published models."""
