"""Pictures and their files; `tfstyle.images` has the names for users."""
