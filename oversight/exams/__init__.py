"""Four-choice items under item-response theory: the arithmetic, and who sits the exam."""
