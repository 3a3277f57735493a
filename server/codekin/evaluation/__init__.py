"""How good retrieval is: sets of questions with known answers, exact search, the field's metrics, signed tables."""
