"""One page a file: a top-to-bottom script without classes."""
