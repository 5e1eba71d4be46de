"""Checks of arguments, and the errors that they raise."""
