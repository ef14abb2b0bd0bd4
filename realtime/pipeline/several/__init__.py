"""Several sources in one picture: where each is shown, and what reads them."""
