"""What stands around an exported model: servers and clients. Nothing here imports tfstyle."""
