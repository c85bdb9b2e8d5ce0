"""Labels over runs: what is kept of answers, what they would cost, and the names people gave."""
