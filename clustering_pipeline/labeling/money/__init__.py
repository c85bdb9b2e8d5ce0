"""What labels cost: tokens, prices, an estimate before, a limit during and a ledger after."""
