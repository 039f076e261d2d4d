"""A model server for numbered SavedModel folders that speaks TensorFlow Serving's own protocol."""
