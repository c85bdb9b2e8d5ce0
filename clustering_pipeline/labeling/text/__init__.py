"""Words and phrases in any language: what keyphrases are made of."""
