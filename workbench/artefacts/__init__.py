"""What one package hands over to another: model folders, run folders, data sets, published models."""
