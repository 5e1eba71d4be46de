"""How much of what a template makes AWS charge for."""
