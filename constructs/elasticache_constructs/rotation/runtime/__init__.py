"""Root of the rotation function's code. Only type checkers need this file; the function is shipped without it."""
