"""What does codekin keep on the disk? SQLite files and their paths; knows no vectors in memory, reads no sources."""
