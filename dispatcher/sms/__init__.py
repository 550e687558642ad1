"""SMS: the texts by kind and language, and the gateways that carry them."""
