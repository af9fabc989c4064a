"""What everything stands on: errors, paths, settings, files."""
