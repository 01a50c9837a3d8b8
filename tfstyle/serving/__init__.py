"""The run as a TensorFlow module, and as a SavedModel that any TensorFlow host serves."""
