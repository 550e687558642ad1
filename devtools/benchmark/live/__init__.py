"""The live system measured on real parts: every figure beside its yardstick, in the same run."""
