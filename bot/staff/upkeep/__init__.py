"""What runs by itself or keeps things safe: backups, retention, the off switch."""
