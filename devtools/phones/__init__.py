"""Phones simulator: the SMS provider's API and the volunteers' phones on one small local server.

The product's real provider client talks to it instead of the provider; people and scripts read and
answer the messages on simulated phones. Nothing is really sent.
"""
