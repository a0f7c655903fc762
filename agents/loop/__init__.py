"""Judged answers -> reviewed rows -> a batch that is trained, compared, published, promoted."""
