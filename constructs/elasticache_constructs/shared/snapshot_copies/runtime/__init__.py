"""What is deployed with the construct."""
