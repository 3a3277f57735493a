"""How good are the answers? Sets of questions with known answers, the field's metrics, and tables with signatures."""
