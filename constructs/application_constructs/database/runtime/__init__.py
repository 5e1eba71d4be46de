"""Root of the function that creates database users. Only type checkers need this file; it is not shipped."""
