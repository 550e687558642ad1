"""A simulated office: the product's own rules among invented or real volunteers, in made-up time.

Pure: rules and numpy only. The world behaves by formulas that the policy does not know.
"""
