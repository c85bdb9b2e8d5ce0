"""When definitions run by themselves: decisions over values, with the time handed in."""
