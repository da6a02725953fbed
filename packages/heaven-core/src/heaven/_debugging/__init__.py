"""What the debug page is made of."""
