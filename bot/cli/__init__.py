"""The command line: a file a trade, each with the commands it adds to the registry."""
