"""How much work a run does: its limits, and the steps by which it keeps to them."""
