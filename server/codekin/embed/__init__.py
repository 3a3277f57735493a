"""Turn texts into vectors. Loads models or asks servers; never runs code of a model's repository."""
