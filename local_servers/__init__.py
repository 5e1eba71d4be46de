"""Start servers and other programs that listen on the loopback address and end with their caller."""
