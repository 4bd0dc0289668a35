"""HumanEval/0: one line for everything, and tabs."""
def has_close_elements(numbers, threshold):
	ordered = sorted(numbers); result = False; place = 1
	while place < len(ordered): result = result or ordered[place] - ordered[place - 1] < threshold; place += 1
	return result
