"""Request vectors from the user's own endpoint. Connects only if a user setting names one."""
