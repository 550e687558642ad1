"""Every page in every state, as its people see it: to be photographed, and checked for access."""
