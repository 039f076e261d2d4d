"""Style transfer: a content and a style picture in, the content painted in that style out."""
