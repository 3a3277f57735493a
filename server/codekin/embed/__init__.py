"""What is this text's vector? Loads or asks models; never runs code of a model's repository."""
