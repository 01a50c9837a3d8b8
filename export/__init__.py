"""What stands around a server of an exported model: containers, clients, a load test."""
