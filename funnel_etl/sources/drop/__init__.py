"""The drop folder: which files are ready, how they are taken, where they go."""
